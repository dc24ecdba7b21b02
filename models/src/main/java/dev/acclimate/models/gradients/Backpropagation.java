package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reverse-mode differentiation of an ONNX graph: appends the nodes that compute the gradient of a
 * scalar with respect to chosen tensors. They are ordinary ONNX nodes, so the backward pass runs
 * wherever the forward pass does.
 *
 * <p>Only nodes between the chosen tensors and the scalar are differentiated, and of their inputs
 * only those that lead to a chosen tensor. A node among them whose operator has no rule is an error
 * that names both, raised before anything is added to the graph. Where an operator has a kink (Relu
 * at 0, the maximum of equal numbers, ...) its rule says which of the slopes it takes.
 */
public final class Backpropagation {
  /** From this version on, float32 tensors can be compared and cut by computed bounds. */
  public static final long OLDEST_OPSET = 11;

  /** Types whose tensors carry gradients, though only float32 ones are differentiated. */
  private static final Set<ElementType> REAL =
      Set.of(ElementType.FP32, ElementType.FP64, ElementType.FP16, ElementType.BF16);

  /** What BatchNormalization nodes normalize with. */
  public enum Normalization {
    /**
     * As the model says: their own mean and variance, constants of the gradient, but for nodes with
     * {@code training_mode} 1.
     */
    FROZEN,
    /** The mean and variance of the batch, through which gradients flow: training mode. */
    BATCH
  }

  /**
   * A contribution to a tensor's gradient.
   *
   * @param compact true where it has the tensor's shape only after broadcasting
   */
  private record Part(String tensor, boolean compact) {}

  private final GraphEditor editor;
  private final OnnxModel model;
  private final OperatorWriter writer;
  private final Constants constants;
  private final String loss;
  private final Set<String> parameters;
  private final Normalization normalization;
  private final Set<String> held;
  private final Map<NodeProto, MeasuredBatch> measured = new HashMap<>();
  private final Map<Integer, List<NodeProto>> replacements = new HashMap<>();
  private final List<BatchStatistics> statistics = new ArrayList<>();
  private final Map<String, List<Part>> contributions = new HashMap<>();
  private final Map<String, String> counts = new HashMap<>();
  private final Map<String, String> gradients = new LinkedHashMap<>();
  private ActivePath path;
  private Map<String, TensorInfo> shapes = Map.of();

  private Backpropagation(
      GraphEditor editor,
      String loss,
      Collection<String> parameters,
      Normalization normalization,
      Set<String> held) {
    this.editor = editor;
    this.model = editor.model();
    this.writer = editor.writer("gradients/");
    this.constants = new Constants(model.graph());
    this.loss = loss;
    this.parameters = new LinkedHashSet<>(parameters);
    this.normalization = normalization;
    this.held = Set.copyOf(held);
    this.path = new ActivePath(model.graph(), loss, this.parameters, t -> !this.held.contains(t));
  }

  /**
   * Differentiates the graph of the model that {@code editor} was opened on.
   *
   * @param loss a tensor of one element
   * @param parameters inputs, initializers or inner tensors to differentiate with respect to,
   *     float32
   * @throws InvalidInputException when an operator on the way has no rule, when the loss does not
   *     depend on a parameter, or when the operator set is older than {@link #OLDEST_OPSET}
   */
  public static Backpropagation append(
      GraphEditor editor, String loss, Collection<String> parameters, Normalization normalization) {
    return append(editor, loss, parameters, normalization, Set.of());
  }

  /**
   * The same with tensors that count as constants, however the parameters move them.
   *
   * @param held those tensors
   */
  public static Backpropagation append(
      GraphEditor editor,
      String loss,
      Collection<String> parameters,
      Normalization normalization,
      Set<String> held) {
    Backpropagation pass = new Backpropagation(editor, loss, parameters, normalization, held);
    pass.checkOpset();
    pass.inferShapes();
    pass.checkPath();
    pass.measureBatches();
    pass.propagate();
    pass.replacements.forEach(editor::replace);
    editor.append(pass.writer.nodes());
    return pass;
  }

  /** The tensor that holds each parameter's gradient, of the parameter's shape. */
  public Map<String, String> gradients() {
    return Map.copyOf(gradients);
  }

  /** What each BatchNormalization measured, in graph order; empty for frozen ones. */
  public List<BatchStatistics> statistics() {
    return List.copyOf(statistics);
  }

  private void checkOpset() {
    if (model.opset() < OLDEST_OPSET) {
      throw new InvalidInputException(
          model.name()
              + ": operator set "
              + model.opset()
              + " is too old to differentiate: expected "
              + OLDEST_OPSET
              + " or newer");
    }
  }

  private void inferShapes() {
    Set<String> tensors = new LinkedHashSet<>(Set.of(loss));
    for (NodeProto node : path.nodes()) {
      GradientRules.of(node); // the clearer message where the runtime does not know it either
      tensors.addAll(node.getInputList());
      tensors.addAll(node.getOutputList());
    }
    for (NodeProto node : model.graph().getNodeList()) {
      if (measuresBatch(node)) {
        tensors.add(node.getInput(0));
      }
    }
    tensors.remove("");
    shapes = model.infer(tensors);
    path = new ActivePath(model.graph(), loss, parameters, this::isReal);
  }

  private boolean isReal(String tensor) {
    TensorInfo info = shapes.get(tensor);
    return !held.contains(tensor) && (info == null || REAL.contains(info.type()));
  }

  private void checkPath() {
    for (Dimension dimension : shape(loss).dimensions()) {
      if (!dimension.isFixed() || dimension.size() != 1) {
        throw new InvalidInputException(
            model.name() + ": expected a loss of one element, found " + shape(loss));
      }
    }
    for (String parameter : parameters) {
      if (!path.carriesGradient(parameter)) {
        throw independent(parameter);
      }
    }
    for (NodeProto node : path.nodes()) {
      GradientRule rule = GradientRules.of(node);
      NodeGradient view = new NodeGradient(this, node);
      for (String tensor : GraphEditor.tensorsRead(node)) {
        checkType(node, tensor);
      }
      for (int i = 0; i < node.getOutputCount(); i++) {
        checkType(node, node.getOutput(i));
        if (i > 0 && !rule.ofManyOutputs() && path.carriesGradient(node.getOutput(i))) {
          throw view.unsupported("output " + i + " ('" + node.getOutput(i) + "') is used");
        }
      }
      rule.check(view);
    }
  }

  private InvalidInputException independent(String parameter) {
    return new InvalidInputException(
        model.name() + ": '" + loss + "' does not depend on '" + parameter + "'");
  }

  private void checkType(NodeProto node, String tensor) {
    if (path.carriesGradient(tensor) && shape(tensor).type() != ElementType.FP32) {
      throw noRule(node, "expected FP32 tensors, found " + shape(tensor));
    }
  }

  private boolean measuresBatch(NodeProto node) {
    return GradientRules.isOperator(node, "BatchNormalization")
        && (normalization == Normalization.BATCH || NodeAttributes.isTraining(node));
  }

  private void measureBatches() {
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (measuresBatch(node)) {
        OperatorWriter forward = editor.writer(node.getOutput(0) + "/batch/");
        MeasuredBatch batch =
            BatchNormalizationRule.measure(node, shape(node.getInput(0)), forward);
        measured.put(node, batch);
        statistics.add(BatchNormalizationRule.statistics(new NodeGradient(this, node), batch));
        replacements.put(i, forward.nodes());
      }
    }
  }

  private void propagate() {
    float[] one = {1};
    long[] ones = new long[shape(loss).rank()];
    Arrays.fill(ones, 1);
    contribute(loss, writer.constant(one, ones), false);
    for (NodeProto node : path.nodes()) {
      // a batch that is measured has no use for the statistics that its node was given
      if (node.getOutputList().stream().anyMatch(contributions::containsKey)) {
        GradientRules.of(node).backward(new NodeGradient(this, node));
      }
    }
    for (String parameter : parameters) {
      String gradient = gradient(parameter);
      if (gradient == null) {
        throw independent(parameter);
      }
      gradients.put(parameter, gradient);
    }
  }

  /** A tensor's gradient in its shape: the sum of contributions; null where there is none. */
  @Nullable String gradient(String tensor) {
    Part sum = sum(tensor);
    if (sum == null || !sum.compact()) {
      return sum == null ? null : sum.tensor();
    }
    String full = writer.expandTo(sum.tensor(), shapeOf(tensor));
    contributions.put(tensor, List.of(new Part(full, false)));
    return full;
  }

  /** The same, where the sum's shape need only broadcast to the tensor's. */
  @Nullable String compactGradient(String tensor) {
    Part sum = sum(tensor);
    return sum == null ? null : sum.tensor();
  }

  private @Nullable Part sum(String tensor) {
    List<Part> parts = contributions.get(tensor);
    if (parts == null) {
      return null;
    }
    // the small ones among themselves first
    Part sum = null;
    for (Part part : parts.stream().filter(Part::compact).toList()) {
      sum = sum == null ? part : new Part(writer.add(sum.tensor(), part.tensor()), true);
    }
    for (Part part : parts.stream().filter(p -> !p.compact()).toList()) {
      sum = sum == null ? part : new Part(writer.add(part.tensor(), sum.tensor()), false);
    }
    Part result = Objects.requireNonNull(sum);
    contributions.put(tensor, List.of(result));
    return result;
  }

  OperatorWriter write() {
    return writer;
  }

  Constants constants() {
    return constants;
  }

  boolean carriesGradient(String tensor) {
    return path.carriesGradient(tensor);
  }

  void contribute(String tensor, String gradient, boolean compact) {
    contributions.computeIfAbsent(tensor, t -> new ArrayList<>()).add(new Part(gradient, compact));
  }

  TensorInfo shape(String tensor) {
    TensorInfo shape = shapes.get(tensor);
    if (shape == null) {
      throw new InvalidInputException(model.name() + ": no tensor '" + tensor + "'");
    }
    return shape;
  }

  /** Elements along these axes of a tensor, a float32 scalar; equal symbols are asked once. */
  String elements(String tensor, int... axes) {
    long known = 1;
    List<String> open = new ArrayList<>();
    for (int axis : axes) {
      Dimension size = shape(tensor).dimensions().get(axis);
      if (size.isFixed()) {
        known = Math.multiplyExact(known, size.size());
      } else {
        open.add(size(size, tensor, axis));
      }
    }
    String fixed = writer.constant((float) known);
    if (open.isEmpty()) {
      return fixed;
    }
    String key = known + " " + open;
    String product = counts.get(key);
    if (product == null) {
      product = fixed;
      for (String size : open) {
        product = writer.mul(product, size);
      }
      counts.put(key, product);
    }
    return product;
  }

  /** A size that only the run knows, a float32 scalar. */
  private String size(Dimension symbol, String tensor, int axis) {
    String key = symbol.symbol().isEmpty() ? tensor + " " + axis : symbol.symbol();
    String size = counts.get(key);
    if (size == null) {
      // better from an input: ONNX Runtime reorders activations to be asked for their shape
      TensorInfo source = shape(tensor);
      int at = axis;
      for (TensorInfo input : model.inputs()) {
        if (!symbol.symbol().isEmpty() && input.dimensions().contains(symbol)) {
          source = input;
          at = input.dimensions().indexOf(symbol);
        }
      }
      String index = writer.integerScalar(at);
      size = writer.castToFloat(writer.node("Gather", writer.shape(source.name()), index));
      counts.put(key, size);
    }
    return size;
  }

  /** A tensor's shape as an int64 vector: a constant where all of it is known. */
  String shapeOf(String tensor) {
    List<Dimension> dimensions = shape(tensor).dimensions();
    return dimensions.stream().allMatch(Dimension::isFixed)
        ? writer.constant(dimensions.stream().mapToLong(Dimension::size).toArray())
        : writer.shape(tensor);
  }

  @Nullable MeasuredBatch measured(NodeProto node) {
    return measured.get(node);
  }

  static InvalidInputException noRule(NodeProto node, String what) {
    String name = node.getName().isEmpty() ? node.getOutput(0) : node.getName();
    return new InvalidInputException(
        "node '" + name + "' (" + node.getOpType() + ") cannot be differentiated: " + what);
  }
}
