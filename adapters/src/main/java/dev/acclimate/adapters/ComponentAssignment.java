package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;

/** To which components of a site its instances belong. Tomar et al., ICLR 2024. */
final class ComponentAssignment {
  private static final float LEAST_NORM = 1e-12f;

  private ComponentAssignment() {}

  /**
   * Softmax over components of the cosine between instance and component means, {@code [B, K]}.
   *
   * @param componentMean {@code [K, C]}
   * @param instanceMean {@code [B, C]}, centred on the source mean
   */
  static String write(
      SiteGraph graph, String componentMean, String instanceMean, double temperature) {
    OperatorWriter ops = graph.ops();
    String raw = ops.add(instanceMean, graph.sourceMean());
    String floor = ops.constant(LEAST_NORM);
    String instanceNorm = ops.max(ops.reduceL2(raw, true, 1), floor);
    String componentNorm = ops.max(ops.reduceL2(componentMean, true, 1), floor);
    String similarity =
        ops.matMulTransposed(
            (float) (1 / temperature),
            ops.div(raw, instanceNorm),
            ops.div(componentMean, componentNorm));
    return ops.softmaxOfRows(similarity);
  }
}
