package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

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

  private final OnnxModel model;
  private final long batch;
  private final long[] sizes;
  private final GraphEditor editor;
  private final OperatorWriter ops;
  private final TensorShapes shapes;
  private final SampleWise sampleWise;
  private final Map<String, Moments> moments;

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

  private BatchSlices(OnnxModel model, long batch, TensorShapes shapes, long... sizes) {
    this.model = model;
    this.batch = batch;
    this.sizes = sizes;
    this.editor = new GraphEditor(model);
    this.ops = editor.writer("acclimate/slices/");
    this.shapes = shapes;
    this.sampleWise = new SampleWise(new Constants(model.graph()));
    this.moments = moments(model);
  }

  /**
   * The model in slices; the same one where they would not pay.
   *
   * @param batch samples in a batch
   */
  static OnnxModel write(OnnxModel model, long batch, Worth worth) {
    TensorShapes shapes = new TensorShapes(model);
    double bytes = (double) Float.BYTES * largestActivation(model, shapes, batch);
    long count = Math.min(Math.min(batch, MOST), Math.round(bytes / worth.bytes));
    if (count < 2) {
      return model;
    }
    BatchSlices slices = new BatchSlices(model, batch, shapes, nearlyEqual(batch, count));
    OnnxModel written = slices.write();
    return slices.joined > worth.mostJoined * slices.sliced ? model : written;
  }

  private static long largestActivation(OnnxModel model, TensorShapes shapes, long batch) {
    return model.graph().getNodeList().stream()
        .flatMap(node -> node.getOutputList().stream())
        .filter(tensor -> isActivation(tensor, shapes, batch))
        .mapToLong(tensor -> elements(tensor, shapes))
        .max()
        .orElse(0);
  }

  private static long[] nearlyEqual(long batch, long count) {
    return IntStream.range(0, Math.toIntExact(count))
        .mapToLong(i -> batch * (i + 1) / count - batch * i / count)
        .toArray();
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
    String y = node.getOutput(0);
    if (inputs == 0 || !isInSlices(node, inputs)) {
      return false;
    }
    Moments asked = moments.get(node.getInput(0));
    if (asked != null && (y.equals(asked.mean) || y.equals(asked.product))) {
      measure(node.getInput(0), asked);
      Set.of(asked.product, asked.mean, asked.square).stream()
          .filter(result -> !result.equals(y))
          .forEach(done::add);
      return true;
    }
    List<String> parts =
        IntStream.range(0, sizes.length).mapToObj(k -> slice(node, inputs, k)).toList();
    if (isActivation(y, shapes, batch)) {
      sliced += elements(y, shapes);
      slices.put(y, parts);
    } else {
      ops.alias(y, ops.concat(0, parts));
    }
    return true;
  }

  /** Convolutions begin with slices; what reads slices goes on, if its result has samples too. */
  private boolean isInSlices(NodeProto node, int inputs) {
    long[] result = shapes.of(node.getOutput(0));
    boolean begins =
        node.getOpType().equals("Conv") && isActivation(node.getInput(0), shapes, batch);
    List<String> read = node.getInputList();
    return result.length > 0
        && result[0] == batch
        && (begins || read.subList(0, inputs).stream().anyMatch(slices::containsKey))
        && read.subList(inputs, read.size()).stream().noneMatch(slices::containsKey);
  }

  private String slice(NodeProto node, int inputs, int k) {
    NodeProto.Builder part = node.toBuilder().clearName().clearOutput();
    for (int i = 0; i < inputs; i++) {
      String x = node.getInput(i);
      if (hasSamples(x)) {
        part.setInput(i, slices.computeIfAbsent(x, this::cut).get(k));
      }
    }
    return ops.emit(part);
  }

  private List<String> cut(String tensor) {
    whole.add(tensor);
    return ops.split(tensor, 0, sizes);
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
    for (String part : slices.computeIfAbsent(x, this::cut)) {
      String sum = ops.reduceSum(ops.mul(part, part), false, 2, 3);
      parts.add(ops.concat(1, List.of(ops.reduceMean(part, false, 2, 3), sum)));
    }
    List<String> both = ops.split(ops.concat(0, parts), 1, shape[1], shape[1]);
    String square = ops.mul(both.get(1), ops.constant(1f / (shape[2] * shape[3])));
    ops.alias(asked.mean, ops.reshape(both.get(0), shape[0], shape[1], 1, 1));
    ops.alias(asked.square, ops.reshape(square, shape[0], shape[1], 1, 1));
  }

  /** Sees to it that a tensor is there as a whole. */
  private void join(String tensor) {
    List<String> parts = slices.get(tensor);
    if (parts != null && whole.add(tensor)) {
      joined += elements(tensor, shapes);
      ops.alias(tensor, ops.concat(0, parts));
    }
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

  /** True for tensors that are worth slicing. */
  private static boolean isActivation(String tensor, TensorShapes shapes, long batch) {
    long[] shape = shapes.of(tensor);
    return shape.length == 4
        && shape[0] == batch
        && shape[2] * shape[3] > 1
        && shapes.isFloat(tensor);
  }

  private static long elements(String tensor, TensorShapes shapes) {
    return Arrays.stream(shapes.of(tensor)).reduce(1, Math::multiplyExact);
  }
}
