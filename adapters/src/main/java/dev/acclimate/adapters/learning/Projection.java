package dev.acclimate.adapters.learning;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes the projection of {@link Nap} behind an optimizer's step. */
final class Projection {
  private static final Set<String> HOMOGENEOUS = Set.of("Relu", "LeakyRelu");

  /** Below this norm there is no direction left to scale. */
  private static final float SMALLEST = 1e-12f;

  private final Nap nap;
  private final OnnxModel model;
  private final Set<String> outputLayers;
  private final Map<String, String> rescaledTogether = new LinkedHashMap<>();
  private final Set<String> pulled = new HashSet<>();

  Projection(Nap nap, OnnxModel model, Set<String> trained, List<NormalizationSite> sites) {
    this.nap = nap;
    this.model = model;
    this.outputLayers = outputLayers(model.graph(), trained);
    for (NormalizationSite site : sites) {
      NodeProto node = model.graph().getNode(site.nodeIndex());
      if (feedsHomogeneousAlone(site.output())) {
        rescaledTogether.put(node.getInput(1), node.getInput(2));
      } else {
        pulled.add(node.getInput(1));
        pulled.add(node.getInput(2));
      }
    }
  }

  private boolean feedsHomogeneousAlone(String tensor) {
    List<NodeProto> readers =
        model.graph().getNodeList().stream()
            .filter(node -> node.getInputList().contains(tensor))
            .toList();
    return !readers.isEmpty()
        && readers.stream().allMatch(node -> HOMOGENEOUS.contains(node.getOpType()))
        && model.graph().getOutputList().stream().noneMatch(o -> o.getName().equals(tensor));
  }

  /** Weights between which and the first output no other weights lie. */
  static Set<String> outputLayers(GraphProto graph, Set<String> trained) {
    Map<String, NodeProto> producers = new HashMap<>();
    graph.getNodeList().forEach(node -> node.getOutputList().forEach(o -> producers.put(o, node)));
    Set<String> last = new LinkedHashSet<>();
    Set<String> visited = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(graph.getOutput(0).getName()));
    while (!open.isEmpty()) {
      String tensor = open.pop();
      NodeProto node = producers.get(tensor);
      if (node == null || !visited.add(tensor)) {
        continue;
      }
      List<String> weights = node.getInputList().stream().filter(trained::contains).toList();
      last.addAll(weights);
      if (weights.isEmpty() || isElementwise(node)) {
        node.getInputList().forEach(open::push);
      }
    }
    return last;
  }

  /** The sum that adds a bias is no layer of its own. */
  private static boolean isElementwise(NodeProto node) {
    return node.getOpType().equals("Add") || node.getOpType().equals("Mul");
  }

  /** True where a weight keeps its norm. */
  boolean keepsNorm(PackedParameters.Part part) {
    return part.shape().size() > 1 && !outputLayers.contains(part.name());
  }

  /** The group after the projection: hidden weights at the norm they started with. */
  String weights(OperatorWriter ops, PackedParameters group, String packed, Tensor start) {
    List<String> projected = new ArrayList<>();
    List<String> parts = group.split(ops, packed);
    for (int i = 0; i < parts.size(); i++) {
      PackedParameters.Part part = group.parts().get(i);
      projected.add(
          keepsNorm(part)
              ? ops.mul(
                  parts.get(i),
                  ops.div(
                      ops.constant((float) PackedParameters.norm(part, start)),
                      ops.max(ops.reduceL2(parts.get(i), true, 0), ops.constant(SMALLEST))))
              : parts.get(i));
    }
    return ops.concat(0, projected);
  }

  /** The group after the projection: scales with their offsets at the norm they started with. */
  String affine(OperatorWriter ops, PackedParameters group, String packed, Tensor start) {
    List<String> parts = new ArrayList<>(group.split(ops, packed));
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < parts.size(); i++) {
      places.put(group.parts().get(i).name(), i);
    }
    rescaledTogether.forEach(
        (scale, offset) -> {
          Integer s = places.get(scale);
          Integer o = places.get(offset);
          if (s != null && o != null) {
            double norm =
                Math.hypot(
                    PackedParameters.norm(group.parts().get(s), start),
                    PackedParameters.norm(group.parts().get(o), start));
            String both = ops.concat(0, List.of(parts.get(s), parts.get(o)));
            String found = ops.max(ops.reduceL2(both, true, 0), ops.constant(SMALLEST));
            String factor = ops.div(ops.constant((float) norm), found);
            parts.set(s, ops.mul(parts.get(s), factor));
            parts.set(o, ops.mul(parts.get(o), factor));
          }
        });
    return ops.concat(0, parts);
  }

  /** What the gradient of scales and offsets gains where they are pulled, not rescaled. */
  String pulled(
      OperatorWriter ops, PackedParameters group, String packed, String gradient, Tensor start) {
    float[] strength = new float[Math.toIntExact(start.elements())];
    for (PackedParameters.Part part : group.parts()) {
      if (pulled.contains(part.name())) {
        int end = part.offset() + part.size();
        Arrays.fill(strength, part.offset(), end, (float) nap.pull());
      }
    }
    String away = ops.sub(packed, ops.constant(start.toFloatArray(), start.shape()));
    return ops.add(gradient, ops.mul(away, ops.constant(strength, start.shape())));
  }

  /** The projected value in every n-th step, else the other; steps are counted from 1. */
  String inTurn(OperatorWriter ops, String steps, String projected, String free) {
    if (nap.every() == 1) {
      return projected;
    }
    String period = ops.constant((float) nap.every());
    String turns = ops.node("Floor", ops.div(steps, period));
    String left = ops.sub(steps, ops.mul(turns, period));
    return ops.node("Where", ops.node("Less", left, ops.constant(0.5f)), projected, free);
  }
}
