package dev.acclimate.adapters;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How a model's state is packed: the values of all sites of one kind lie side by side along the
 * channels of one tensor, sites in graph order, so that a step hands over a few tensors however
 * deep the model is. States that the model keeps once come after them as they are.
 *
 * @param sourceDigest SHA-256 of the model that was adapted
 * @param method the method with all its options
 * @param kinds the packed tensors
 * @param sites where each site's channels lie
 * @param shared the states kept once
 */
record StateLayout(
    String sourceDigest,
    Method method,
    List<StateKind> kinds,
    List<PackedSite> sites,
    List<SharedState> shared) {
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
    shared = List.copyOf(shared);
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
    return new StateLayout(
        source.digest(), method, method.stateKinds(), sites, method.sharedStates(source, adapted));
  }

  int totalChannels() {
    return sites.stream().mapToInt(PackedSite::channels).sum();
  }

  StateTensor tensor(StateKind kind) {
    return kind.packed(totalChannels());
  }

  /** All tensors of the state: the packed ones, then those kept once. */
  List<StateTensor> tensors() {
    List<StateTensor> tensors = new ArrayList<>();
    kinds.forEach(kind -> tensors.add(tensor(kind)));
    tensors.addAll(sharedTensors());
    return tensors;
  }

  List<StateTensor> sharedTensors() {
    return shared.stream()
        .map(
            state ->
                new StateTensor(
                    state.name(), Arrays.stream(state.start().shape()).boxed().toList()))
        .toList();
  }

  /** True where a state of the other layout can stand for one of this. */
  boolean fits(StateLayout other) {
    return sourceDigest.equals(other.sourceDigest)
        && tensors().equals(other.tensors())
        && sites.equals(other.sites);
  }

  private static ObjectNode describe(ObjectNode state, StateTensor tensor) {
    state.put("name", tensor.input());
    state.put("next", tensor.output());
    ArrayNode shape = state.putArray("shape");
    tensor.shape().forEach(shape::add);
    return state;
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
      ArrayNode packed = describe(states.addObject(), tensor(kind)).putArray("sites");
      for (PackedSite site : sites) {
        packed
            .addObject()
            .put("name", site.name())
            .put("offset", site.offset())
            .put("channels", site.channels());
      }
    }
    for (StateTensor tensor : sharedTensors()) {
      describe(states.addObject(), tensor).putArray("sites"); // no site's own
    }
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a tree of strings and numbers is JSON", e);
    }
  }
}
