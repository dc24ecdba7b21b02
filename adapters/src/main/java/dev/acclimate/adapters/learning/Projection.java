package dev.acclimate.adapters.learning;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.adapters.Nap;
import dev.acclimate.adapters.PackedParameters;
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
  private final Nap nap;
  private final Set<String> outputLayers;
  private final Map<String, String> rescaledTogether = new LinkedHashMap<>();
  private final Set<String> pulled = new HashSet<>();

  Projection(Nap nap, OnnxModel model, Set<String> trained, List<NormalizationSite> sites) {
    this.nap = nap;
    this.outputLayers = outputLayers(model.graph(), trained);
    for (NormalizationSite site : sites) {
      NodeProto node = model.graph().getNode(site.nodeIndex());
      if (Nap.feedsHomogeneousAlone(model, site.output())) {
        rescaledTogether.put(node.getInput(1), node.getInput(2));
      } else {
        pulled.add(node.getInput(1));
        pulled.add(node.getInput(2));
      }
    }
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
                  parts.get(i), Nap.factor(ops, parts.get(i), PackedParameters.norm(part, start)))
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
            String factor = Nap.factor(ops, both, norm);
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
    return nap.inTurn(ops, steps, projected, free);
  }
}
