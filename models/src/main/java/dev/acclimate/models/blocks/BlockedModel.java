package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.RuntimeOptimizer;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.blocks.Activations.Convolved;
import dev.acclimate.models.blocks.Activations.Correlated;
import dev.acclimate.models.blocks.Activations.Pending;
import dev.acclimate.models.blocks.Activations.Product;
import dev.acclimate.models.blocks.Activations.Ready;
import dev.acclimate.models.blocks.Activations.Scaled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model rewritten for ONNX Runtime's CPU kernels and batches of one size.
 *
 * <p>ONNX Runtime keeps activations between convolutions in blocks of channels, as far as it knows
 * the operators between them. It does not know what adaptation and learning put there: statistics,
 * normalization by computed numbers, slopes, convolutions with weights that change. Here all of
 * that stays in blocks. What scales or offsets channels becomes a depthwise convolution with a
 * kernel of 1x1, into which an addition and a Relu fold; sums of products over positions become the
 * convolution of a tensor with another as its kernel, so that no product is written down.
 *
 * <p>The model computes the same. It runs on this machine, by this version of ONNX Runtime, and
 * takes batches of the one size alone.
 */
public final class BlockedModel {
  /** Functions of one number. */
  private static final Set<String> UNARY =
      Set.of(
          "Abs",
          "Clip",
          "Elu",
          "Erf",
          "Exp",
          "HardSigmoid",
          "HardSwish",
          "LeakyRelu",
          "Log",
          "Neg",
          "Reciprocal",
          "Relu",
          "Sigmoid",
          "Softplus",
          "Sqrt",
          "Tanh");

  private final OnnxModel model;
  private final Constants constants;
  private final GraphEditor editor;
  private final OperatorWriter ops;
  private final BlockedOperators blocked;
  private final int block;
  private final Map<String, TensorInfo> shapes;
  private final Map<String, Integer> uses = new HashMap<>();
  private final Map<String, Activations> values = new HashMap<>();
  private final Map<String, String> views = new HashMap<>();
  private final Map<String, Long> zerosBelow = new HashMap<>();
  private final Map<String, Widening> widenings = new HashMap<>();
  private final Set<String> plain = new HashSet<>();

  /**
   * A convolution with a kernel of 1x1 to many more channels than it reads, whose mean over
   * positions is that of what it reads, convolved.
   */
  private record Widening(String input, List<String> weights) {}

  private BlockedModel(OnnxModel model, int block) {
    this.model = model;
    this.block = block;
    this.constants = new Constants(model.graph());
    this.editor = new GraphEditor(model);
    this.ops = editor.writer("acclimate/blocked/");
    this.blocked = new BlockedOperators(ops, block);
    Set<String> tensors = new HashSet<>();
    model.graph().getInitializerList().forEach(tensor -> tensors.add(tensor.getName()));
    for (NodeProto node : model.graph().getNodeList()) {
      tensors.addAll(node.getOutputList());
      GraphEditor.tensorsRead(node).forEach(input -> uses.merge(input, 1, Integer::sum));
      if (node.getInputCount() == 2 && node.getInput(0).equals(node.getInput(1))) {
        uses.merge(node.getInput(0), 1, Integer::sum);
      }
    }
    tensors.remove("");
    model.graph().getOutputList().forEach(output -> uses.merge(output.getName(), 1, Integer::sum));
    this.shapes = model.infer(tensors);
  }

  /**
   * Rewrites a model.
   *
   * @param samples the axis of the samples as the model's inputs declare it
   * @param batch samples in a batch
   * @return empty where ONNX Runtime has no blocks on this machine, or the model no name for its
   *     samples' axis
   */
  public static Optional<OnnxModel> compile(OnnxModel model, Dimension samples, long batch) {
    boolean known = samples.isFixed() ? samples.size() == batch : !samples.symbol().isEmpty();
    OptionalInt block = BlockSize.ofThisMachine();
    if (!known || block.isEmpty()) {
      return Optional.empty();
    }
    OnnxModel simple = RuntimeOptimizer.simplify(model.withSize(samples, batch));
    return Optional.of(new BlockedModel(simple, block.getAsInt()).rewrite());
  }

  private OnnxModel rewrite() {
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (!OnnxModel.isDefaultDomain(node.getDomain())
          || node.getOutputCount() != 1
          || !rewrite(node)) {
        GraphEditor.tensorsRead(node).forEach(this::plain);
        ops.add(node);
      }
      editor.replace(i, List.of());
    }
    model.graph().getOutputList().forEach(output -> plain(output.getName()));
    editor.append(ops.nodes());
    ModelProto.Builder proto = editor.build().proto().toBuilder();
    proto.getGraphBuilder().clearValueInfo();
    return OnnxModel.of(proto.build(), model.name());
  }

  private boolean rewrite(NodeProto node) {
    return switch (node.getOpType()) {
      case "Conv" -> correlation(node) || convolution(node);
      case "ConvTranspose" -> transposedConvolution(node);
      case "BatchNormalization" -> normalization(node);
      case "Add" -> add(node);
      case "Sub" -> subtract(node);
      case "Mul" -> multiply(node);
      case "GlobalAveragePool" -> reduce(node, new long[] {2, 3}, true);
      case "ReduceMean", "ReduceSum" -> reduce(node);
      case "MaxPool", "AveragePool" -> pool(node);
      case "Slice" -> slice(node);
      case "Pad" -> pad(node);
      case "Concat" -> concat(node);
      case "Reshape" -> reshape(node);
      default -> UNARY.contains(node.getOpType()) && function(node);
    };
  }

  // ---- tensors

  private long[] shape(String tensor) {
    TensorInfo info = shapes.get(tensor);
    if (info == null || !info.dimensions().stream().allMatch(Dimension::isFixed)) {
      return new long[0];
    }
    return info.dimensions().stream().mapToLong(Dimension::size).toArray();
  }

  private boolean fitsBlocks(String tensor) {
    long[] shape = shape(tensor);
    return shape.length == 4
        && shape[1] % block == 0
        && shape[1] > 0
        && shape[2] > 0
        && shape[3] > 0
        && Objects.requireNonNull(shapes.get(tensor)).type() == ElementType.FP32;
  }

  private boolean isBlocked(String tensor) {
    return values.containsKey(tensor);
  }

  private boolean isReadOnce(String tensor) {
    return uses.getOrDefault(tensor, 0) == 1;
  }

  /** A tensor in blocks, put there where it is not yet. */
  private String ready(String tensor) {
    Activations value = values.get(tensor);
    String ready;
    if (value == null) {
      ready = blocked.reorderInput(tensor);
    } else if (value instanceof Pending pending) {
      ready = pending.write(blocked, shape(tensor));
    } else if (value instanceof Product product) {
      ready = ops.mul(product.a(), product.b());
    } else if (value instanceof Correlated correlated) {
      ready = correlated.write(ops, block, shape(tensor));
    } else {
      return ((Ready) value).tensor();
    }
    values.put(tensor, new Ready(ready));
    return ready;
  }

  /** Sees to it that a tensor is there in plain order under its own name. */
  private void plain(String tensor) {
    String source = views.get(tensor);
    if (source != null && plain.add(tensor)) {
      plain(source);
      ops.alias(tensor, ops.reshape(source, shape(tensor)));
    }
    if (isBlocked(tensor) && plain.add(tensor)) {
      ops.alias(tensor, blocked.reorderOutput(ready(tensor), shape(tensor)[1]));
    }
  }

  private @Nullable Pending joinable(String tensor) {
    return isReadOnce(tensor) && values.get(tensor) instanceof Pending pending && pending.takesSum()
        ? pending
        : null;
  }

  /** A tensor that is repeated over positions of activations; null where it is none. */
  private @Nullable PerChannel perChannel(String tensor, String activations) {
    long[] to = shape(activations);
    TensorInfo info = shapes.get(tensor);
    if (info == null || !info.dimensions().stream().allMatch(Dimension::isFixed)) {
      return null;
    }
    long[] from = shape(tensor);
    if (from.length > 4 || from.length < 3) {
      return null;
    }
    int lead = 4 - from.length;
    long samples = lead == 0 ? from[0] : 1;
    boolean fits =
        (samples == 1 || samples == to[0])
            && from[1 - lead] == to[1]
            && from[2 - lead] == 1
            && from[3 - lead] == 1;
    if (!fits) {
      return null;
    }
    plain(tensor);
    return new PerChannel(tensor, to[1], samples > 1);
  }

  private boolean isScalar(String tensor) {
    TensorInfo info = shapes.get(tensor);
    return info != null
        && info.dimensions().stream().allMatch(size -> size.isFixed() && size.size() == 1);
  }

  private boolean sameShape(String a, String b) {
    return Arrays.equals(shape(a), shape(b));
  }

  // ---- operators

  private boolean convolution(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    long[] weights = shape(node.getInput(1));
    long[] in = shape(x);
    if (!fitsBlocks(y) || weights.length != 4 || in.length != 4) {
      return false;
    }
    long groups = NodeAttributes.integer(node, "group", 1);
    boolean depthwise = groups > 1 && weights[1] == 1 && groups == weights[0];
    boolean fewInputs =
        !depthwise
            && weights[1] < block
            && weights[0] / groups % block == 0
            && (in[1] < block || in[1] % block == 0);
    boolean inBlocks =
        fitsBlocks(x)
            && (depthwise || (weights[1] % block == 0 && weights[0] / groups % block == 0));
    if (!inBlocks && !fewInputs) {
      return false;
    }
    if (fewInputs) {
      plain(x);
    }
    plain(node.getInput(1));
    String bias = node.getInputCount() > 2 ? node.getInput(2) : "";
    plain(bias);
    if (inBlocks && isWidening(node, weights)) {
      widenings.put(y, new Widening(x, node.getInputList().subList(1, node.getInputCount())));
    }
    values.put(
        y,
        new Convolved(
            fewInputs ? x : ready(x),
            blocked.filter(node.getInput(1), weights, inBlocks && !depthwise),
            bias.isEmpty() ? null : bias,
            node.getAttributeList()));
    return true;
  }

  private static boolean isWidening(NodeProto node, long[] weights) {
    return weights[0] >= 2 * weights[1]
        && weights[2] == 1
        && weights[3] == 1
        && NodeAttributes.integer(node, "group", 1) == 1
        && areAll(node, "strides", 1)
        && areAll(node, "pads", 0);
  }

  private static boolean areAll(NodeProto node, String attribute, long value) {
    return NodeAttributes.integers(node, attribute).stream()
        .flatMapToLong(Arrays::stream)
        .allMatch(one -> one == value);
  }

  private boolean correlation(NodeProto node) {
    String images = views.get(node.getInput(0));
    String places = views.get(node.getInput(1));
    if (images == null || places == null || node.getInputCount() > 2) {
      return false;
    }
    Correlation correlation = new Correlation(node, shape(images), shape(places), block);
    long[] result = shape(node.getOutput(0));
    if (!correlation.isPossible(result[2], zerosBelow.getOrDefault(images, 0L))) {
      return false;
    }
    values.put(
        node.getOutput(0), correlation.write(blocked, ops, ready(images), ready(places), result));
    return true;
  }

  private boolean transposedConvolution(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    if (!fitsBlocks(x) || !fitsBlocks(y)) {
      return false;
    }
    Phases phases = new Phases(node, shape(x), shape(node.getInput(1)), shape(y));
    if (!phases.arePossible()) {
      return false;
    }
    plain(node.getInput(1));
    values.put(y, new Ready(phases.write(blocked, ops, ready(x), node.getInput(1))));
    return true;
  }

  private boolean normalization(NodeProto node) {
    String x = node.getInput(0);
    if (!isBlocked(x) || NodeAttributes.isTraining(node)) {
      return false;
    }
    node.getInputList().stream().skip(1).forEach(this::plain);
    String variance = ops.add(node.getInput(4), ops.constant(NodeAttributes.epsilon(node)));
    String scale = ops.div(node.getInput(1), ops.sqrt(variance));
    String offset = ops.sub(node.getInput(2), ops.mul(node.getInput(3), scale));
    long channels = shape(x)[1];
    values.put(
        node.getOutput(0),
        new Scaled(
            ops,
            ready(x),
            new PerChannel(scale, channels, false),
            new PerChannel(offset, channels, false)));
    return true;
  }

  private boolean function(NodeProto node) {
    String x = node.getInput(0);
    if (!isBlocked(x)) {
      return false;
    }
    Optional<Activation> activation = Activation.of(node, constants);
    if (activation.isPresent()
        && isReadOnce(x)
        && values.get(x) instanceof Pending pending
        && pending.takesActivation()) {
      pending.activate(activation.get());
      values.remove(x);
      values.put(node.getOutput(0), pending);
      return true;
    }
    return elementwise(node);
  }

  /** The operator as it is, on memory in another order. */
  private boolean elementwise(NodeProto node) {
    NodeProto.Builder moved = node.toBuilder().clearName().clearOutput();
    for (int i = 0; i < node.getInputCount(); i++) {
      String input = node.getInput(i);
      if (input.isEmpty() || isScalar(input)) {
        plain(input);
      } else {
        moved.setInput(i, ready(input));
      }
    }
    values.put(node.getOutput(0), new Ready(ops.emit(moved)));
    return true;
  }

  /** True where at least one of two activations of equal shape is in blocks. */
  private boolean areActivations(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    return (isBlocked(a) || isBlocked(b)) && fitsBlocks(a) && sameShape(a, b);
  }

  private boolean hasScalar(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    return (isBlocked(a) && isScalar(b)) || (isBlocked(b) && isScalar(a));
  }

  private boolean add(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    String y = node.getOutput(0);
    if (areActivations(node)) {
      return sum(y, a, b) || sum(y, b, a) || elementwise(node);
    }
    if (hasScalar(node)) {
      return elementwise(node);
    }
    return offset(y, a, b) || offset(y, b, a);
  }

  /** Lets an addition join what is not yet written. */
  private boolean sum(String y, String a, String b) {
    Pending pending = joinable(a);
    if (pending == null) {
      return false;
    }
    pending.add(ready(b));
    values.remove(a);
    values.put(y, pending);
    return true;
  }

  private boolean offset(String y, String x, String offset) {
    if (!isBlocked(x)) {
      return false;
    }
    PerChannel added = perChannel(offset, x);
    if (added == null) {
      return false;
    }
    if (joinable(x) instanceof Scaled scaled && scaled.takesOffset()) {
      scaled.offset(added);
      values.remove(x);
      values.put(y, scaled);
    } else {
      values.put(y, new Scaled(ops, ready(x), one(x), added));
    }
    return true;
  }

  private boolean subtract(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    String y = node.getOutput(0);
    if (areActivations(node)) {
      if (joinable(b) instanceof Scaled scaled) {
        Scaled negative = scaled.negated();
        negative.add(ready(a));
        values.remove(b);
        values.put(y, negative);
        return true;
      }
      return elementwise(node);
    }
    if (hasScalar(node)) {
      return elementwise(node);
    }
    PerChannel taken = isBlocked(a) ? perChannel(b, a) : null;
    if (taken == null) {
      return false;
    }
    values.put(y, new Scaled(ops, ready(a), one(a), taken.negated(ops)));
    return true;
  }

  private PerChannel one(String activations) {
    return PerChannel.all(ops, 1, shape(activations)[1]);
  }

  private boolean multiply(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    String y = node.getOutput(0);
    if (areActivations(node)) {
      values.put(y, new Product(ready(a), ready(b)));
      return true;
    }
    if (hasScalar(node)) {
      return elementwise(node);
    }
    return scale(y, a, b) || scale(y, b, a);
  }

  private boolean scale(String y, String x, String scale) {
    if (!isBlocked(x)) {
      return false;
    }
    PerChannel factor = perChannel(scale, x);
    if (factor == null) {
      return false;
    }
    values.put(y, new Scaled(ops, ready(x), factor, null));
    return true;
  }

  private boolean reduce(NodeProto node) {
    Optional<long[]> axes =
        node.getInputCount() > 1
            ? constants.integers(node.getInput(1))
            : NodeAttributes.integers(node, "axes");
    boolean keep = NodeAttributes.integer(node, "keepdims", 1) != 0;
    return axes.isPresent() && reduce(node, axes.get(), keep);
  }

  private boolean reduce(NodeProto node, long[] axes, boolean keep) {
    String x = node.getInput(0);
    long[] sorted = Arrays.stream(axes).map(axis -> axis < 0 ? axis + 4 : axis).sorted().toArray();
    if (isBlocked(x) && keep && Arrays.equals(sorted, new long[] {0})) {
      return reduceSamples(node);
    }
    boolean overSamples = Arrays.equals(sorted, new long[] {0, 2, 3});
    if (!isBlocked(x) || (!overSamples && !Arrays.equals(sorted, new long[] {2, 3}))) {
      return false;
    }
    boolean mean = !node.getOpType().equals("ReduceSum");
    String result = overPositions(x, mean);
    long channels = shape(x)[1];
    if (overSamples) {
      result = ops.reshape(result, shape(x)[0], channels);
      result = mean ? ops.reduceMean(result, false, 0) : ops.reduceSum(result, false, 0);
    }
    long[] sizes = {overSamples ? 1 : shape(x)[0], channels, 1, 1};
    long[] to =
        keep ? sizes : overSamples ? new long[] {channels} : new long[] {shape(x)[0], channels};
    ops.emitTo(node.getOutput(0), "Reshape", List.of(result, ops.constant(to)));
    return true;
  }

  /** Sum or mean over samples, as a product of matrices, which takes a fraction of the time. */
  private boolean reduceSamples(NodeProto node) {
    String x = node.getInput(0);
    long[] shape = shape(x);
    float weight = node.getOpType().equals("ReduceSum") ? 1 : 1f / shape[0];
    Correlated correlated = values.get(x) instanceof Correlated it ? it : null;
    long samples = correlated == null ? shape[0] : correlated.samples();
    String lying = correlated == null ? ready(x) : correlated.products();
    String sum = ops.matMul(ops.filled(weight, 1, samples), ops.reshape(lying, samples, -1));
    shape[0] = 1;
    values.put(
        node.getOutput(0),
        correlated == null
            ? new Ready(ops.reshape(sum, shape))
            : new Correlated(sum, 1, correlated.rows()));
    return true;
  }

  /** Mean or sum over positions, plain {@code [B, C, 1, 1]}. */
  private String overPositions(String x, boolean mean) {
    long[] shape = shape(x);
    float positions = shape[2] * shape[3];
    if (isReadOnce(x) && values.get(x) instanceof Product product) {
      String sum = blocked.sumOfProducts(product.a(), product.b(), shape);
      return mean ? ops.mul(sum, ops.constant(1 / positions)) : sum;
    }
    Widening widening = widenings.get(x);
    String average;
    if (widening == null) {
      average = blocked.mean(ready(x), shape);
    } else {
      List<String> inputs = new ArrayList<>();
      inputs.add(blocked.mean(ready(widening.input()), shape(widening.input())));
      inputs.addAll(widening.weights());
      average = ops.emit("Conv", inputs);
    }
    return mean ? average : ops.mul(average, ops.constant(positions));
  }

  private boolean pool(NodeProto node) {
    String x = node.getInput(0);
    boolean simple =
        NodeAttributes.integer(node, "ceil_mode", 0) == 0
            && NodeAttributes.integer(node, "storage_order", 0) == 0;
    if (!isBlocked(x) || !simple || !fitsBlocks(node.getOutput(0))) {
      return false;
    }
    String pooled = blocked.pool(node.getOpType(), ready(x), node.getAttributeList());
    values.put(node.getOutput(0), new Ready(pooled));
    return true;
  }

  /** Slices of positions, which are axes of their own in blocks too. */
  private boolean slice(NodeProto node) {
    String x = node.getInput(0);
    if (!isBlocked(x) || node.getInputCount() < 4 || !fitsBlocks(node.getOutput(0))) {
      return false;
    }
    Optional<long[]> axes = constants.integers(node.getInput(3));
    if (axes.isEmpty()) {
      return false;
    }
    long[] from = Arrays.stream(axes.get()).map(axis -> axis < 0 ? axis + 4 : axis).toArray();
    if (Arrays.stream(from).anyMatch(axis -> axis < 2)) {
      return false;
    }
    NodeProto.Builder lying = node.toBuilder().clearName().clearOutput();
    lying.setInput(0, blocked.asItLies(ready(x), shape(x))).setInput(3, ops.constant(from));
    String result = ops.reshape(ops.emit(lying), shape(node.getOutput(0)));
    values.put(node.getOutput(0), new Ready(result));
    return true;
  }

  /** Zeros around positions, or whole blocks of channels of them. */
  private boolean pad(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    boolean zeros =
        node.getInputCount() == 2
            || (node.getInputCount() == 3
                && (node.getInput(2).isEmpty()
                    || constants.scalar(node.getInput(2)).orElse(1.0) == 0));
    boolean constant = NodeAttributes.text(node, "mode", "constant").equals("constant");
    if (!isBlocked(x) || !zeros || !constant || !fitsBlocks(y)) {
      return false;
    }
    Optional<long[]> pads = constants.integers(node.getInput(1));
    if (pads.isEmpty()) {
      return false;
    }
    long[] p = pads.get();
    if (p.length != 8
        || p[0] != 0
        || p[4] != 0
        || p[1] % block != 0
        || p[5] % block != 0
        || p[1] < 0
        || p[5] < 0) {
      return false;
    }
    String lying =
        ops.constant(new long[] {0, p[1] / block, p[2], p[3], 0, 0, p[5] / block, p[6], p[7], 0});
    String padded = ops.node("Pad", blocked.asItLies(ready(x), shape(x)), lying);
    values.put(y, new Ready(ops.reshape(padded, shape(y))));
    zerosBelow.put(y, p[6]);
    return true;
  }

  private boolean reshape(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    long[] from = shape(x);
    long[] to = shape(y);
    if (!isBlocked(x) || from.length != 4 || to.length != 4) {
      return false;
    }
    boolean stacked = from[0] == to[1] && from[1] * from[2] == to[2] && from[3] == to[3];
    boolean kernel = from[0] * from[1] == to[0] && from[2] == to[2] && from[3] == to[3];
    if ((stacked && to[0] == 1) || (kernel && to[1] == 1)) {
      views.put(y, x);
      return true;
    }
    if (from[2] * from[3] != to[2] * to[3]) {
      return false;
    }
    if (values.get(x) instanceof Correlated correlated && from[2] == to[2]) {
      values.put(y, correlated);
      return true;
    }
    if (to[1] % block == 0) {
      values.put(y, new Ready(ops.reshape(ready(x), to)));
      return true;
    }
    return false;
  }

  private boolean concat(NodeProto node) {
    long axis = NodeAttributes.integer(node, "axis", 0);
    boolean alongChannels = axis == 1 || axis == -3;
    if (!alongChannels
        || !node.getInputList().stream().allMatch(this::fitsBlocks)
        || node.getInputList().stream().noneMatch(this::isBlocked)) {
      return false;
    }
    return elementwise(node);
  }
}
