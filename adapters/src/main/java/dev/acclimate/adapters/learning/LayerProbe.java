package dev.acclimate.adapters.learning;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.adapters.StateTensor;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * Looks into the layers of a model that learns, to see whether it can still: units that no sample
 * of a batch activates pass no gradient on and learn nothing more (Sokar et al. 2023, "The Dormant
 * Neuron Phenomenon", with a threshold of 0). Not thread-safe.
 */
public final class LayerProbe implements AutoCloseable {
  private static final String DORMANT = StateTensor.PREFIX + "dormant";

  private final ModelSession session;
  private final String input;
  private final List<String> layers;

  private LayerProbe(ModelSession session, String input, List<String> layers) {
    this.session = session;
    this.input = input;
    this.layers = layers;
  }

  /** Makes a probe for the model as it serves. */
  public static LayerProbe open(LearningGraph graph, SessionSettings settings) {
    OnnxModel serving = graph.serving();
    List<NodeProto> activations =
        serving.graph().getNodeList().stream().filter(n -> n.getOpType().equals("Relu")).toList();
    List<String> names = activations.stream().map(node -> node.getOutput(0)).toList();
    Map<String, TensorInfo> shapes = serving.infer(names);
    GraphEditor editor = new GraphEditor(serving);
    OperatorWriter ops = editor.writer("acclimate/probe/");
    List<String> fractions = new ArrayList<>();
    List<String> layers = new ArrayList<>();
    for (String name : names) {
      int rank = Objects.requireNonNull(shapes.get(name)).rank();
      if (rank >= 2) {
        long[] axes = LongStream.range(0, rank).filter(axis -> axis != 1).toArray();
        String largest = ops.reduceMax(name, axes);
        String asleep = ops.node("Not", ops.node("Greater", largest, ops.constant(0f)));
        fractions.add(ops.reduceMean(ops.castToFloat(asleep), true, 0));
        layers.add(name);
      }
    }
    if (!layers.isEmpty()) {
      ops.alias(DORMANT, ops.concat(0, fractions));
      editor.append(ops.nodes());
      editor.addOutput(DORMANT, ElementType.FP32, layers.size());
      editor.retainOutputs(Set.of(DORMANT));
    }
    return new LayerProbe(
        ModelSession.open(editor.build(), settings), graph.source().inputs().get(0).name(), layers);
  }

  /** For each Relu, by its output's name, the fraction of units or channels that stay at 0. */
  public Map<String, Double> dormant(LearningState state, Tensor samples) {
    Map<String, Tensor> feeds = new HashMap<>();
    state.tensors().forEach((name, tensor) -> feeds.put(StateTensor.PREFIX + name, tensor));
    feeds.put(input, samples);
    Map<String, Tensor> results = session.run(feeds);
    Map<String, Double> fractions = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      Tensor all = Objects.requireNonNull(results.get(DORMANT));
      fractions.put(layers.get(i), (double) all.floats().get(i));
    }
    return fractions;
  }

  @Override
  public void close() {
    session.close();
  }
}
