package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What {@link Nap} does to scales and offsets that a companion learns, packed site after site: the
 * only parameters that move, so that weights keep their norms by themselves.
 */
final class SiteProjection {
  private final Nap nap;
  private final List<NormalizationSite> sites;
  private final boolean[] rescaled;
  private final long[] widths;

  SiteProjection(Nap nap, OnnxModel model, List<NormalizationSite> sites) {
    this.nap = nap;
    this.sites = sites;
    this.rescaled = new boolean[sites.size()];
    for (int i = 0; i < rescaled.length; i++) {
      rescaled[i] = Nap.feedsHomogeneousAlone(model, sites.get(i).output());
    }
    this.widths = sites.stream().mapToLong(NormalizationSite::channels).toArray();
  }

  /** Gamma and beta, packed. */
  record Affine(String gamma, String beta) {}

  /** Scales and offsets at the norms they started with, site by site, where it is the turn. */
  Affine projected(OperatorWriter ops, Affine moved, String steps) {
    List<String> gammas = new ArrayList<>(ops.split(moved.gamma(), 0, widths));
    List<String> betas = new ArrayList<>(ops.split(moved.beta(), 0, widths));
    for (int i = 0; i < rescaled.length; i++) {
      if (rescaled[i]) {
        String both = ops.concat(0, List.of(gammas.get(i), betas.get(i)));
        String factor = Nap.factor(ops, both, norm(sites.get(i)));
        gammas.set(i, ops.mul(gammas.get(i), factor));
        betas.set(i, ops.mul(betas.get(i), factor));
      }
    }
    return new Affine(
        nap.inTurn(ops, steps, ops.concat(0, gammas), moved.gamma()),
        nap.inTurn(ops, steps, ops.concat(0, betas), moved.beta()));
  }

  private static double norm(NormalizationSite site) {
    double squares = 0;
    for (float[] vector : new float[][] {site.gamma(), site.beta()}) {
      for (float value : vector) {
        squares += value * (double) value;
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * What a gradient gains where its parameter is pulled towards its start, not rescaled.
   *
   * @param start the parameter's packed start, a tensor
   */
  String pulled(OperatorWriter ops, String gradient, String packed, String start) {
    float[] strength = new float[sites.stream().mapToInt(NormalizationSite::channels).sum()];
    int offset = 0;
    for (int i = 0; i < rescaled.length; i++) {
      int end = offset + sites.get(i).channels();
      Arrays.fill(strength, offset, end, rescaled[i] ? 0 : (float) nap.pull());
      offset = end;
    }
    String away = ops.sub(packed, start);
    return ops.add(gradient, ops.mul(away, ops.constant(strength, strength.length)));
  }
}
