package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which tensors the inputs of sites are concatenated from, along the channels. In a dense block
 * (Huang et al. 2017, "Densely Connected Convolutional Networks") every later site reads the same
 * features again.
 */
final class Concatenations {
  private final Map<String, NodeProto> concats;
  private final Map<String, TensorInfo> shapes;

  private Concatenations(Map<String, NodeProto> concats, Map<String, TensorInfo> shapes) {
    this.concats = concats;
    this.shapes = shapes;
  }

  /**
   * A part of a site's input.
   *
   * @param tensor {@code [B, channels, *]}
   */
  record Part(String tensor, int channels) {}

  static Concatenations in(OnnxModel model, List<NormalizationSite> sites) {
    Map<String, NodeProto> concats = new HashMap<>();
    for (NodeProto node : model.graph().getNodeList()) {
      if (node.getOpType().equals("Concat") && OnnxModel.isDefaultDomain(node.getDomain())) {
        concats.put(node.getOutput(0), node);
      }
    }
    boolean areRead = sites.stream().anyMatch(site -> concats.containsKey(site.input()));
    List<String> parts =
        concats.values().stream().flatMap(node -> node.getInputList().stream()).distinct().toList();
    return new Concatenations(concats, areRead ? model.infer(parts) : Map.of());
  }

  /** The parts of a site's input in their order; the input itself where it has none that suit. */
  List<Part> parts(NormalizationSite site) {
    List<Part> parts = new ArrayList<>();
    if (site.isSpatial() && collect(site.input(), site, parts)) {
      return parts;
    }
    return List.of(new Part(site.input(), site.channels()));
  }

  private boolean collect(String tensor, NormalizationSite site, List<Part> parts) {
    NodeProto concat = concats.get(tensor);
    long axis = concat == null ? 0 : NodeAttributes.integer(concat, "axis", 0);
    if (concat != null && (axis == 1 || axis == 1 - site.rank())) {
      return concat.getInputList().stream().allMatch(input -> collect(input, site, parts));
    }
    TensorInfo shape = shapes.get(tensor);
    if (shape == null || shape.rank() != site.rank() || !shape.dimensions().get(1).isFixed()) {
      return false;
    }
    parts.add(new Part(tensor, Math.toIntExact(shape.dimensions().get(1).size())));
    return true;
  }
}
