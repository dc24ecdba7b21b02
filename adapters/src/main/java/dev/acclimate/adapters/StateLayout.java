package dev.acclimate.adapters;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import java.util.ArrayList;
import java.util.List;

/**
 * How a model's state is packed: the values of all sites of one kind lie side by side along the
 * channels of one tensor, sites in graph order, so that a step hands over a few tensors however
 * deep the model is.
 *
 * @param sourceDigest SHA-256 of the model that was adapted
 * @param method the method with all its options
 * @param kinds the packed tensors
 * @param sites where each site's channels lie
 */
record StateLayout(
    String sourceDigest, Method method, List<StateKind> kinds, List<PackedSite> sites) {
  /** The metadata property of an adapted model that holds this layout. */
  static final String METADATA_KEY = "acclimate.state";

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One site's place in every packed tensor.
   *
   * @param name the site's name
   * @param offset its first channel
   * @param channels how many it has
   */
  record PackedSite(String name, int offset, int channels) {}

  StateLayout {
    kinds = List.copyOf(kinds);
    sites = List.copyOf(sites);
  }

  static StateLayout of(OnnxModel source, Method method, List<NormalizationSite> adapted) {
    List<PackedSite> sites = new ArrayList<>();
    if (!method.stateKinds().isEmpty()) {
      int offset = 0;
      for (NormalizationSite site : adapted) {
        sites.add(new PackedSite(site.name(), offset, site.channels()));
        offset += site.channels();
      }
    }
    return new StateLayout(source.digest(), method, method.stateKinds(), sites);
  }

  int totalChannels() {
    return sites.stream().mapToInt(PackedSite::channels).sum();
  }

  long[] shape(StateKind kind) {
    return kind.packedShape(totalChannels());
  }

  static String inputName(StateKind kind) {
    return "acclimate/" + kind.name();
  }

  static String outputName(StateKind kind) {
    return inputName(kind) + "/next";
  }

  /** The layout as the metadata property holds it. */
  String toJson() {
    ObjectNode root = JSON.createObjectNode();
    root.put("method", method.name());
    ObjectNode options = root.putObject("options");
    method.options().forEach(options::put);
    root.put("model_digest", sourceDigest);
    ArrayNode states = root.putArray("states");
    for (StateKind kind : kinds) {
      ObjectNode state = states.addObject();
      state.put("name", inputName(kind));
      state.put("next", outputName(kind));
      ArrayNode shape = state.putArray("shape");
      for (long size : shape(kind)) {
        shape.add(size);
      }
      ArrayNode packed = state.putArray("sites");
      for (PackedSite site : sites) {
        packed
            .addObject()
            .put("name", site.name())
            .put("offset", site.offset())
            .put("channels", site.channels());
      }
    }
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a tree of strings and numbers is JSON", e);
    }
  }
}
