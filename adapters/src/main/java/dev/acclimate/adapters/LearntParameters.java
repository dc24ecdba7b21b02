package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.gradients.ParameterSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a model that a companion learns: scale and offset of the adapted sites, each
 * packed like the sites' other states, and where more are asked for, all of these in one vector.
 */
final class LearntParameters {
  static final String GAMMA = "gamma";
  static final String BETA = "beta";
  static final String WEIGHTS = "weights";

  private final Map<String, float[]> masks;
  private final @Nullable PackedParameters weights;

  private LearntParameters(Map<String, float[]> masks, @Nullable PackedParameters weights) {
    this.masks = masks;
    this.weights = weights;
  }

  /**
   * Finds them.
   *
   * @param set {@code affine} for scale and offset of the adapted sites, and no others
   * @param logits the tensor that losses are made of
   * @param sites those that are adapted
   * @throws dev.acclimate.models.InvalidInputException when a pattern matches no parameter
   */
  static LearntParameters of(
      ParameterSet set, OnnxModel source, String logits, List<NormalizationSite> sites) {
    if (set.isAffine()) {
      return new LearntParameters(Map.of(), null);
    }
    Set<String> selected = set.select(source, logits);
    Map<String, float[]> masks = new HashMap<>();
    Set<String> sitesOwn = new HashSet<>();
    for (int input = 1; input <= 2; input++) {
      List<String> names = names(source, sites, input);
      sitesOwn.addAll(names);
      if (!selected.containsAll(names)) {
        masks.put(input == 1 ? GAMMA : BETA, mask(selected, names, sites));
      }
    }
    Set<String> others = new LinkedHashSet<>(selected);
    others.removeAll(sitesOwn);
    return new LearntParameters(
        masks, others.isEmpty() ? null : PackedParameters.of(WEIGHTS, source, List.copyOf(others)));
  }

  /** The initializers behind an input of the sites' nodes. */
  private static List<String> names(OnnxModel source, List<NormalizationSite> sites, int input) {
    Map<String, String> aliases = new HashMap<>();
    for (NodeProto node : source.graph().getNodeList()) {
      if (node.getOpType().equals("Identity")) {
        aliases.put(node.getOutput(0), node.getInput(0));
      }
    }
    List<String> names = new ArrayList<>();
    for (NormalizationSite site : sites) {
      String name = source.graph().getNode(site.nodeIndex()).getInput(input);
      while (aliases.containsKey(name)) {
        name = aliases.get(name);
      }
      names.add(name);
    }
    return names;
  }

  private static float[] mask(
      Set<String> selected, List<String> names, List<NormalizationSite> sites) {
    float[] mask = new float[sites.stream().mapToInt(NormalizationSite::channels).sum()];
    int offset = 0;
    for (int i = 0; i < sites.size(); i++) {
      int end = offset + sites.get(i).channels();
      Arrays.fill(mask, offset, end, selected.contains(names.get(i)) ? 1 : 0);
      offset = end;
    }
    return mask;
  }

  /** The states that hold them. */
  List<String> names() {
    return weights == null ? List.of(GAMMA, BETA) : List.of(GAMMA, BETA, WEIGHTS);
  }

  /** Those that are not a site's own. */
  Optional<PackedParameters> weights() {
    return Optional.ofNullable(weights);
  }

  /** A gradient without the part that is not to be learnt. */
  String masked(OperatorWriter ops, String name, String gradient) {
    float[] mask = masks.get(name);
    return mask == null ? gradient : ops.mul(gradient, ops.constant(mask, mask.length));
  }
}
