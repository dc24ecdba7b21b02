package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
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
 * <p>Only nodes between the chosen tensors and the scalar are differentiated. One among them whose
 * operator has no rule is an error that names both, raised before anything is written.
 */
public final class Backpropagation {
  /** From this version on, ReduceSum takes its axes as an input. */
  public static final long OLDEST_OPSET = 13;

  /** What BatchNormalization nodes normalize with. */
  public enum Normalization {
    /** Their own mean and variance, constants of the gradient. */
    FROZEN,
    /** The mean and variance of the batch, through which gradients flow: training mode. */
    BATCH
  }

  private final GraphEditor editor;
  private final OnnxModel model;
  private final OperatorWriter writer;
  private final Set<String> dependent = new HashSet<>();
  private final List<NodeProto> active = new ArrayList<>();
  private final Map<NodeProto, MeasuredBatch> measured = new HashMap<>();
  private final List<BatchStatistics> statistics = new ArrayList<>();
  private final Map<String, List<String>> contributions = new HashMap<>();
  private final Map<String, String> gradients = new LinkedHashMap<>();
  private Map<String, TensorInfo> shapes = Map.of();

  private Backpropagation(GraphEditor editor) {
    this.editor = editor;
    this.model = editor.model();
    this.writer = editor.writer("gradients/");
  }

  /**
   * Differentiates the graph of the model that {@code editor} was opened on.
   *
   * @param loss a tensor of one element
   * @param parameters inputs, initializers or inner tensors to differentiate with respect to
   * @throws InvalidInputException when an operator on the way has no rule, when the loss does not
   *     depend on a parameter, or when the operator set is older than {@link #OLDEST_OPSET}
   */
  public static Backpropagation append(
      GraphEditor editor, String loss, Collection<String> parameters, Normalization normalization) {
    Backpropagation pass = new Backpropagation(editor);
    pass.findActive(loss, new LinkedHashSet<>(parameters));
    pass.inferShapes(loss, normalization);
    pass.checkRules(loss);
    if (normalization == Normalization.BATCH) {
      pass.normalizeByBatch();
    }
    pass.propagate(loss, new LinkedHashSet<>(parameters));
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

  /** Nodes that lie on a path from a parameter to the loss. */
  private void findActive(String loss, Set<String> parameters) {
    if (model.opset() < OLDEST_OPSET) {
      throw new InvalidInputException(
          model.name()
              + ": operator set "
              + model.opset()
              + " is too old to differentiate: expected "
              + OLDEST_OPSET
              + " or newer");
    }
    dependent.addAll(parameters);
    for (NodeProto node : model.graph().getNodeList()) {
      if (!GradientRules.isConstant(node)
          && node.getInputList().stream().anyMatch(dependent::contains)) {
        dependent.addAll(node.getOutputList());
      }
    }
    Set<String> reached = new HashSet<>(Set.of(loss));
    for (int i = model.graph().getNodeCount() - 1; i >= 0; i--) {
      NodeProto node = model.graph().getNode(i);
      if (node.getOutputList().stream().anyMatch(o -> reached.contains(o) && dependent.contains(o))
          && node.getInputList().stream().anyMatch(dependent::contains)) {
        active.add(node);
        reached.addAll(node.getInputList());
      }
    }
    for (String parameter : parameters) {
      if (!reached.contains(parameter)) {
        throw new InvalidInputException(
            model.name() + ": '" + loss + "' does not depend on '" + parameter + "'");
      }
    }
  }

  private void inferShapes(String loss, Normalization normalization) {
    Set<String> tensors = new LinkedHashSet<>(Set.of(loss));
    for (NodeProto node : active) {
      GradientRules.of(node); // the clearer message where the runtime does not know it either
      tensors.addAll(node.getInputList());
      tensors.addAll(node.getOutputList());
    }
    if (normalization == Normalization.BATCH) {
      for (NodeProto node : model.graph().getNodeList()) {
        if (isBatchNormalization(node)) {
          tensors.add(node.getInput(0));
        }
      }
    }
    tensors.remove("");
    shapes = model.infer(tensors);
  }

  private void checkRules(String loss) {
    for (Dimension dimension : shape(loss).dimensions()) {
      if (!dimension.isFixed() || dimension.size() != 1) {
        throw new InvalidInputException(
            model.name() + ": expected a loss of one element, found " + shape(loss));
      }
    }
    for (NodeProto node : active) {
      if (node.getOutputList().stream().skip(1).anyMatch(o -> !o.isEmpty())) {
        throw noRule(node, "more than one output");
      }
      GradientRules.of(node).check(new NodeGradient(this, node, ""));
    }
  }

  private static boolean isBatchNormalization(NodeProto node) {
    return node.getDomain().isEmpty() && node.getOpType().equals("BatchNormalization");
  }

  private void normalizeByBatch() {
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (isBatchNormalization(node)) {
        OperatorWriter forward = editor.writer(node.getOutput(0) + "/batch/");
        BatchNormalizationRule.Measurement measurement =
            BatchNormalizationRule.measure(node, shape(node.getInput(0)), forward);
        measured.put(node, measurement.batch());
        statistics.add(measurement.statistics());
        editor.replace(i, forward.nodes());
      }
    }
  }

  private void propagate(String loss, Set<String> parameters) {
    float[] one = {1};
    long[] ones = new long[shape(loss).rank()];
    Arrays.fill(ones, 1);
    contribute(loss, writer.constant(one, ones));
    for (NodeProto node : active) {
      GradientRules.of(node).backward(new NodeGradient(this, node, gradient(node.getOutput(0))));
    }
    for (String parameter : parameters) {
      gradients.put(parameter, gradient(parameter));
    }
  }

  /** A tensor's gradient: the sum of what its consumers contributed. */
  private String gradient(String tensor) {
    List<String> parts = Objects.requireNonNull(contributions.get(tensor), tensor);
    String sum = parts.get(0);
    for (String part : parts.subList(1, parts.size())) {
      sum = writer.add(sum, part);
    }
    contributions.put(tensor, List.of(sum));
    return sum;
  }

  OperatorWriter write() {
    return writer;
  }

  boolean leadsToParameter(String tensor) {
    return dependent.contains(tensor);
  }

  void contribute(String tensor, String gradient) {
    contributions.computeIfAbsent(tensor, t -> new ArrayList<>()).add(gradient);
  }

  TensorInfo shape(String tensor) {
    TensorInfo shape = shapes.get(tensor);
    if (shape == null) {
      throw new InvalidInputException(model.name() + ": no tensor '" + tensor + "'");
    }
    return shape;
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
