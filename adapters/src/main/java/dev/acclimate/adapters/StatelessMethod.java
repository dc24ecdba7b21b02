package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A method for which each batch stands alone. */
sealed interface StatelessMethod extends Method permits TestTimeBn, BnPrior, AlphaBn {

  @Override
  default boolean adapts(NormalizationSite site) {
    return true;
  }

  @Override
  default List<StateKind> stateKinds() {
    return List.of();
  }

  @Override
  default float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    return new float[0][];
  }
}
