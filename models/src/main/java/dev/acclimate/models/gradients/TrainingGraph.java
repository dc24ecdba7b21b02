package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A classifier's supervised training step as one graph: samples, labels and parameters go in; the
 * model's outputs, the loss, the gradient of every parameter and the statistics of every
 * BatchNormalization come out. What to do with the gradients is the caller's.
 */
public final class TrainingGraph {
  /** The input that takes the class indices, int64 {@code [B]}. */
  public static final String LABELS = "labels";

  /** The output that holds the mean loss, a scalar. */
  public static final String LOSS = "loss";

  private final OnnxModel model;
  private final Map<String, String> gradients;
  private final List<BatchStatistics> statistics;

  private TrainingGraph(
      OnnxModel model, Map<String, String> gradients, List<BatchStatistics> statistics) {
    this.model = model;
    this.gradients = gradients;
    this.statistics = statistics;
  }

  /**
   * Builds the step with {@link CrossEntropy} on the model's first output and BatchNormalization
   * nodes in training mode.
   *
   * @param parameters initializers to train; each becomes an input of the same name
   * @throws InvalidInputException when a parameter is no initializer, or as {@link
   *     Backpropagation#append}
   */
  public static TrainingGraph of(
      OnnxModel model, Collection<String> parameters, double labelSmoothing) {
    Set<String> wanted = new LinkedHashSet<>(parameters);
    Map<String, long[]> shapes = new LinkedHashMap<>();
    OnnxModel open = withInputs(model, wanted, shapes);
    GraphEditor forward = new GraphEditor(open);
    String logits = model.outputs().get(0).name();
    String loss = CrossEntropy.append(forward, logits, LABELS, labelSmoothing);
    GraphEditor backward = new GraphEditor(forward.build());
    Backpropagation pass =
        Backpropagation.append(backward, loss, wanted, Backpropagation.Normalization.BATCH);
    var writer = backward.writer("");
    writer.alias(LOSS, loss);
    backward.addOutput(LOSS, ElementType.FP32);
    Map<String, String> gradients = new LinkedHashMap<>();
    shapes.forEach(
        (parameter, shape) -> {
          String output = backward.freshName(parameter + "/gradient");
          writer.alias(output, Objects.requireNonNull(pass.gradients().get(parameter)));
          backward.addOutput(output, ElementType.FP32, shape);
          gradients.put(parameter, output);
        });
    backward.append(writer.nodes());
    Map<String, long[]> running = initializerShapes(model);
    for (BatchStatistics site : pass.statistics()) {
      long[] channels = Objects.requireNonNull(running.get(site.runningMean()));
      backward.addOutput(site.mean(), ElementType.FP32, channels);
      backward.addOutput(site.unbiasedVariance(), ElementType.FP32, channels);
    }
    OnnxModel step = withoutUnusedInitializers(backward.build());
    return new TrainingGraph(step, gradients, pass.statistics());
  }

  private static Map<String, long[]> initializerShapes(OnnxModel model) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (TensorProto tensor : model.graph().getInitializerList()) {
      shapes.put(
          tensor.getName(), tensor.getDimsList().stream().mapToLong(Long::longValue).toArray());
    }
    return shapes;
  }

  /** The model with labels and, in place of their initializers, parameters as inputs. */
  private static OnnxModel withInputs(
      OnnxModel model, Set<String> parameters, Map<String, long[]> shapes) {
    GraphProto.Builder graph = model.graph().toBuilder();
    Map<String, long[]> initializers = initializerShapes(model);
    for (String parameter : parameters) {
      long[] shape = initializers.get(parameter);
      if (shape == null) {
        throw new InvalidInputException(
            model.name() + ": parameter '" + parameter + "' is not among its initializers");
      }
      shapes.put(parameter, shape);
    }
    List<TensorProto> kept =
        graph.getInitializerList().stream()
            .filter(tensor -> !parameters.contains(tensor.getName()))
            .toList();
    graph.clearInitializer().addAllInitializer(kept);
    List<ValueInfoProto> inputs =
        new ArrayList<>(
            graph.getInputList().stream()
                .filter(input -> !initializers.containsKey(input.getName()))
                .toList());
    TensorShapeProto.Builder rows = TensorShapeProto.newBuilder();
    if (!model.outputs().get(0).dimensions().isEmpty()) {
      rows.addDim(graph.getOutput(0).getType().getTensorType().getShape().getDim(0));
    }
    inputs.add(valueInfo(LABELS, TensorProto.DataType.INT64, rows));
    shapes.forEach(
        (name, shape) -> {
          TensorShapeProto.Builder sizes = TensorShapeProto.newBuilder();
          for (long size : shape) {
            sizes.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(size));
          }
          inputs.add(valueInfo(name, TensorProto.DataType.FLOAT, sizes));
        });
    graph.clearInput().addAllInput(inputs);
    return OnnxModel.of(model.proto().toBuilder().setGraph(graph).build(), model.name());
  }

  /** Running statistics stay behind where batches are normalized by their own. */
  private static OnnxModel withoutUnusedInitializers(OnnxModel model) {
    Set<String> used = new HashSet<>();
    model.graph().getNodeList().forEach(node -> used.addAll(node.getInputList()));
    GraphProto.Builder graph = model.graph().toBuilder().clearInitializer();
    for (TensorProto tensor : model.graph().getInitializerList()) {
      if (used.contains(tensor.getName())) {
        graph.addInitializer(tensor);
      }
    }
    return OnnxModel.of(model.proto().toBuilder().setGraph(graph).build(), model.name());
  }

  private static ValueInfoProto valueInfo(
      String name, TensorProto.DataType type, TensorShapeProto.Builder shape) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  /** The step: inputs are the model's own, {@link #LABELS} and the parameters. */
  public OnnxModel model() {
    return model;
  }

  /** The output that holds each parameter's gradient, in the order the parameters were given. */
  public Map<String, String> gradients() {
    return gradients;
  }

  /** The outputs that hold what each BatchNormalization measured, in graph order. */
  public List<BatchStatistics> statistics() {
    return statistics;
  }
}
