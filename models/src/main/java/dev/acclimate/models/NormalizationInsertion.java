package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * Puts normalizations without parameters in front of non-linearities that have none: the first half
 * of Normalize-and-Project (Lyle et al., NeurIPS 2024). Each sample is standardized as LayerNorm
 * (Ba et al. 2016) does it: over channels and positions behind convolutions, over the last axis
 * behind linear layers.
 *
 * <p>The model computes something else afterwards. It must be fine-tuned before it answers anyone.
 */
public final class NormalizationInsertion {
  private static final float EPSILON = 1e-5f;

  private static final Set<String> NON_LINEARITIES =
      Set.of(
          "Relu",
          "LeakyRelu",
          "PRelu",
          "Elu",
          "Selu",
          "Celu",
          "Sigmoid",
          "HardSigmoid",
          "Tanh",
          "HardSwish",
          "Gelu",
          "Softplus",
          "Mish");

  private static final Set<String> NORMALIZATIONS =
      Set.of(
          "BatchNormalization",
          "LayerNormalization",
          "InstanceNormalization",
          "GroupNormalization",
          "LpNormalization",
          "MeanVarianceNormalization");

  private static final Set<String> CONVOLUTIONS = Set.of("Conv", "ConvTranspose");
  private static final Set<String> LINEAR = Set.of("Gemm", "MatMul");

  private final OnnxModel model;
  private final GraphEditor editor;
  private final Map<String, NodeProto> producers = new HashMap<>();
  private final List<String> places = new ArrayList<>();

  /**
   * A model with normalizations inserted.
   *
   * @param places names of the non-linearities that have one in front of them now
   */
  public record Inserted(OnnxModel model, List<String> places) {}

  private NormalizationInsertion(OnnxModel model) {
    this.model = model;
    this.editor = new GraphEditor(model);
    model
        .graph()
        .getNodeList()
        .forEach(node -> node.getOutputList().forEach(output -> producers.put(output, node)));
  }

  /**
   * Inserts normalizations behind layers with weights and before a non-linearity, where there are
   * none yet; sums of such layers, as in residual networks, count as one.
   *
   * @throws InvalidInputException when there is nowhere to insert one
   */
  public static Inserted insert(OnnxModel model) {
    NormalizationInsertion insertion = new NormalizationInsertion(model);
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (NON_LINEARITIES.contains(node.getOpType())) {
        insertion.insertBefore(i, node);
      }
    }
    if (insertion.places.isEmpty()) {
      throw new InvalidInputException(
          model.name()
              + ": expected non-linearities behind layers without normalization, found none");
    }
    return new Inserted(insertion.editor.build(), List.copyOf(insertion.places));
  }

  private void insertBefore(int index, NodeProto node) {
    String x = node.getInput(0);
    String layer = layerBehind(x);
    if (layer.isEmpty()) {
      return;
    }
    String name = node.getName().isEmpty() ? node.getOutput(0) : node.getName();
    OperatorWriter ops = editor.writer(name + "/normalize/");
    long[] axes = {-1};
    if (CONVOLUTIONS.contains(layer)) {
      TensorInfo shape = model.infer(List.of(x)).get(x);
      axes = LongStream.range(1, shape == null ? 4 : shape.rank()).toArray();
    }
    String centred = ops.sub(x, ops.reduceMean(x, true, axes));
    String variance = ops.reduceMean(ops.mul(centred, centred), true, axes);
    String deviation = ops.sqrt(ops.add(variance, ops.constant(EPSILON)));
    String normal = ops.div(centred, deviation);
    List<NodeProto> nodes = new ArrayList<>(ops.nodes());
    nodes.add(node.toBuilder().setInput(0, normal).build());
    editor.replace(index, nodes);
    places.add(name);
  }

  /** The kind of layer that makes a tensor; empty where it is normalized, or made by no layer. */
  private String layerBehind(String tensor) {
    NodeProto producer = producers.get(tensor);
    if (producer == null || NORMALIZATIONS.contains(producer.getOpType())) {
      return "";
    }
    String operator = producer.getOpType();
    if (CONVOLUTIONS.contains(operator) || LINEAR.contains(operator)) {
      return operator;
    }
    if (operator.equals("Add")) {
      String first = layerBehind(producer.getInput(0));
      return first.isEmpty() ? layerBehind(producer.getInput(1)) : first;
    }
    return "";
  }
}
