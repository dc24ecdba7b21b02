package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A model that takes its batch in slices wherever one sample does not concern another, so that what
 * an operator writes is still in the caches when the next one reads it. Statistics need all
 * samples, but of a slice no more than two numbers a sample and channel.
 *
 * <p>It works on plain tensors {@code [B, C, H, W]} of known sizes, before they are put in blocks.
 */
final class BatchSlices {
  /** With more slices the model would take long to load. */
  private static final long MOST = 16;

  private static final int MANY_FEWER = 4;

  private final OnnxModel model;
  private final long batch;
  private final GraphEditor editor;
  private final OperatorWriter ops;
  private final TensorShapes shapes;
  private final SampleWise sampleWise;
  private final Map<String, Moments> moments;

  /** How many slices tensors with so many positions are taken in, a power of 2. */
  private final NavigableMap<Long, Integer> counts = new TreeMap<>();

  /** Tensors that are there slice by slice. */
  private final Map<String, List<String>> slices = new HashMap<>();

  /** Tensors that are there as a whole although they are there in slices too. */
  private final Set<String> whole = new HashSet<>();

  private final Set<String> done = new HashSet<>();
  private long sliced;
  private long joined;

  /**
   * When slices pay.
   *
   * @param bytes the size that slices of the largest tensor should have
   * @param mostJoined the largest part of what is sliced that may have to be put together again
   */
  record Worth(long bytes, double mostJoined) {
    /**
     * Three slices fit into the caches that a core can hope for. With smaller ones ONNX Runtime
     * would be busy beginning nodes.
     */
    static final Worth MEASURED = new Worth(2 << 20, 0.1);
  }

  /** The names that the mean and the mean square of a tensor over its positions have. */
  private record Moments(String product, String mean, String square) {}

  private BatchSlices(OnnxModel model, long batch, long bytes) {
    this.model = model;
    this.batch = batch;
    this.editor = new GraphEditor(model);
    this.ops = editor.writer("acclimate/slices/");
    this.shapes = new TensorShapes(model);
    this.sampleWise = new SampleWise(new Constants(model.graph()));
    this.moments = moments(model);
    model.graph().getNodeList().stream()
        .flatMap(node -> node.getOutputList().stream())
        .filter(this::isActivation)
        .forEach(y -> counts.merge(positions(y), wanted(y, bytes), Math::max));
    keepWhereLittleIsSpared();
  }

  /** Fewer slices than before cost a copy, so they have to be many fewer. */
  private void keepWhereLittleIsSpared() {
    int before = 1;
    for (Map.Entry<Long, Integer> count : counts.descendingMap().entrySet()) {
      if (count.getValue() < before && count.getValue() * MANY_FEWER > before) {
        count.setValue(before);
      }
      before = count.getValue();
    }
  }

  /** The power of 2 that comes nearest to slices of a size, but not more than samples. */
  private int wanted(String tensor, long bytes) {
    double wanted = (double) Float.BYTES * elements(tensor) / bytes;
    int count = 1;
    while (2L * count <= Math.min(batch, MOST) && count * Math.sqrt(2) <= wanted) {
      count *= 2;
    }
    return count;
  }

  /**
   * The model in slices; the same one where they would not pay.
   *
   * @param batch samples in a batch
   */
  static OnnxModel write(OnnxModel model, long batch, Worth worth) {
    BatchSlices slices = new BatchSlices(model, batch, worth.bytes);
    if (slices.counts.values().stream().allMatch(count -> count == 1)) {
      return model;
    }
    OnnxModel written = slices.write();
    return slices.joined > worth.mostJoined * slices.sliced ? model : written;
  }

  private OnnxModel write() {
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (!done.remove(node.getOutput(0)) && !write(node)) {
        GraphEditor.tensorsRead(node).forEach(this::join);
        ops.add(node);
      }
      editor.replace(i, List.of());
    }
    model.graph().getOutputList().forEach(output -> join(output.getName()));
    editor.append(ops.nodes());
    return editor.build();
  }

  /** Writes a node in slices; false where it takes all samples at once. */
  private boolean write(NodeProto node) {
    int inputs = sampleWise.inputs(node);
    if (inputs == 0 || !isInSlices(node, inputs)) {
      return false;
    }
    String x = node.getInput(0);
    String y = node.getOutput(0);
    Moments asked = moments.get(x);
    if (asked != null && (y.equals(asked.mean) || y.equals(asked.product))) {
      measure(x, asked);
      Stream.of(asked.product, asked.mean, asked.square)
          .filter(result -> !result.equals(y))
          .forEach(done::add);
      return true;
    }
    int count = count(node, inputs);
    if (count == 1) {
      return false;
    }
    List<String> parts =
        IntStream.range(0, count).mapToObj(k -> slice(node, inputs, k, count)).toList();
    if (isActivation(y)) {
      sliced += elements(y);
      slices.put(y, parts);
    } else {
      ops.alias(y, ops.concat(0, parts));
    }
    return true;
  }

  /** Convolutions begin with slices; what reads slices goes on, if its result has samples too. */
  private boolean isInSlices(NodeProto node, int inputs) {
    long[] result = shapes.of(node.getOutput(0));
    boolean begins = node.getOpType().equals("Conv") && isActivation(node.getInput(0));
    List<String> read = node.getInputList();
    return result.length > 0
        && result[0] == batch
        && (begins || read.subList(0, inputs).stream().anyMatch(slices::containsKey))
        && read.subList(inputs, read.size()).stream().noneMatch(slices::containsKey);
  }

  /** As many slices as the largest tensor that a node reads or writes is taken in. */
  private int count(NodeProto node, int inputs) {
    return Stream.concat(node.getInputList().stream().limit(inputs), node.getOutputList().stream())
        .filter(this::isActivation)
        .mapToInt(tensor -> counts.getOrDefault(positions(tensor), 1))
        .max()
        .orElse(1);
  }

  private String slice(NodeProto node, int inputs, int k, int count) {
    NodeProto.Builder part = node.toBuilder().clearName().clearOutput();
    for (int i = 0; i < inputs; i++) {
      String x = node.getInput(i);
      if (hasSamples(x)) {
        part.setInput(i, slices(x, count).get(k));
      }
    }
    return ops.emit(part);
  }

  /** A tensor in so many slices, from then on. */
  private List<String> slices(String tensor, int count) {
    if (!slices.containsKey(tensor)) {
      whole.add(tensor);
      slices.put(tensor, List.of(tensor));
    }
    List<String> parts = Objects.requireNonNull(slices.get(tensor));
    if (parts.size() > count) {
      joined += elements(tensor);
      slices.put(tensor, fewer(parts, count));
    } else if (parts.size() < count) {
      slices.put(tensor, more(parts, count));
    }
    return Objects.requireNonNull(slices.get(tensor));
  }

  private List<String> fewer(List<String> parts, int count) {
    int each = parts.size() / count;
    return IntStream.range(0, count)
        .mapToObj(k -> ops.concat(0, parts.subList(k * each, (k + 1) * each)))
        .toList();
  }

  private List<String> more(List<String> parts, int count) {
    int each = count / parts.size();
    return IntStream.range(0, parts.size())
        .mapToObj(k -> ops.split(parts.get(k), 0, sizes(k * each, each, count)))
        .flatMap(List::stream)
        .toList();
  }

  /** Samples in some of the slices of the batch, which are nearly equal. */
  private long[] sizes(int from, int slices, int count) {
    return IntStream.range(from, from + slices)
        .mapToLong(k -> batch * (k + 1) / count - batch * k / count)
        .toArray();
  }

  /** True for what is not repeated for each sample. */
  private boolean hasSamples(String tensor) {
    long[] shape = shapes.of(tensor);
    return shape.length == 4 && shape[0] == batch;
  }

  /**
   * Both moments of a slice at once, while it is in the caches: ONNX Runtime takes the nodes that
   * one node asks for before it goes on with others.
   */
  private void measure(String x, Moments asked) {
    long[] shape = shapes.of(x);
    List<String> parts = new ArrayList<>();
    for (String part : Objects.requireNonNull(slices.get(x))) {
      String sum = ops.reduceSum(ops.mul(part, part), false, 2, 3);
      parts.add(ops.concat(1, List.of(ops.reduceMean(part, false, 2, 3), sum)));
    }
    List<String> both = ops.split(ops.concat(0, parts), 1, shape[1], shape[1]);
    String square = ops.mul(both.get(1), ops.constant(1f / positions(x)));
    ops.alias(asked.mean, ops.reshape(both.get(0), shape[0], shape[1], 1, 1));
    ops.alias(asked.square, ops.reshape(square, shape[0], shape[1], 1, 1));
  }

  /** Sees to it that a tensor is there as a whole. */
  private void join(String tensor) {
    List<String> parts = slices.get(tensor);
    if (parts != null && whole.add(tensor)) {
      joined += elements(tensor);
      ops.alias(tensor, ops.concat(0, parts));
    }
  }

  /** True for tensors that are worth slicing. */
  private boolean isActivation(String tensor) {
    return hasSamples(tensor) && positions(tensor) > 1 && shapes.isFloat(tensor);
  }

  private long positions(String tensor) {
    long[] shape = shapes.of(tensor);
    return shape[2] * shape[3];
  }

  private long elements(String tensor) {
    return Tensor.elements(shapes.of(tensor));
  }

  /** The tensors of which both moments are asked for, and of their squares nothing else. */
  private static Map<String, Moments> moments(OnnxModel model) {
    Map<String, String> pooled = new HashMap<>();
    Map<String, Integer> readers = new HashMap<>();
    for (NodeProto node : model.graph().getNodeList()) {
      GraphEditor.tensorsRead(node).forEach(x -> readers.merge(x, 1, Integer::sum));
      if (node.getOpType().equals("GlobalAveragePool")) {
        pooled.put(node.getInput(0), node.getOutput(0));
      }
    }
    Map<String, Moments> moments = new HashMap<>();
    for (NodeProto node : model.graph().getNodeList()) {
      if (node.getOpType().equals("Mul") && node.getInput(0).equals(node.getInput(1))) {
        String product = node.getOutput(0);
        String mean = pooled.get(node.getInput(0));
        String square = pooled.get(product);
        if (mean != null && square != null && readers.getOrDefault(product, 0) == 1) {
          moments.put(node.getInput(0), new Moments(product, mean, square));
        }
      }
    }
    return moments;
  }
}
