package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Tells the domains of a stream apart as it passes, by leader clustering of what the first adapted
 * site sees of each sample.
 *
 * <p>A sample's <b>signature</b> holds, per channel, its mean in standard deviations of the source,
 * {@code (m - mu_s) / sqrt(var_s + eps)}, and the logarithm of its variance over the source's,
 * {@code log((v + eps) / (var_s + eps))} (the latter at sites with a spatial axis only); distance
 * is the root mean square over its F entries. Each of a fixed number of <b>slots</b> holds a
 * domain's centre; slot 0 is the source at signature 0 and stays there. In each batch
 *
 * <ol>
 *   <li>a sample goes to the nearest slot in use;
 *   <li>those that lie beyond the radius of all found a domain together, at their mean, in the slot
 *       that has gone unused for longest (one that was never used, if there is any); where every
 *       slot is in use by this very batch, they stay with the nearest;
 *   <li>other slots move a tenth of the way to the mean of their samples.
 * </ol>
 *
 * <p>Nothing is random: the same stream gives the same domains. The cost is a few operators on
 * {@code [B, F]} and {@code [slots, F]} matrices a batch, once for the whole model. State: {@code
 * domain_signature} {@code [slots, F]} and {@code domain_age} {@code [slots]}, batches since last
 * use.
 *
 * @param slots the source's among them, at least 2
 * @param radius in the units of signatures
 */
record DomainDetector(int slots, double radius) {
  private static final String SIGNATURE = "domain_signature";
  private static final String AGE = "domain_age";
  private static final float RATE = 0.1f;

  /** The age of slots that were never used; those in use stop ageing at 2^24. */
  private static final float NEVER = 1e9f;

  private static final float OLDEST = 5e8f;

  /** Nothing was detected yet but the source. */
  List<SharedState> states(NormalizationSite first) {
    float[] ages = new float[slots];
    Arrays.fill(ages, 1, slots, NEVER);
    int width = width(first);
    return List.of(
        new SharedState(SIGNATURE, Tensor.of(new float[slots * width], slots, width)),
        new SharedState(AGE, Tensor.of(ages, slots)));
  }

  private static int width(NormalizationSite site) {
    return site.isSpatial() ? 2 * site.channels() : site.channels();
  }

  /**
   * Writes the detector into the first adapted site's subgraph.
   *
   * @return memberships {@code [B, slots]}, a single 1 in each row
   */
  String write(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    ModelGraph model = graph.model();
    String one = ops.constant(1f);
    String centres = model.state(SIGNATURE); // [D, F]
    String ages = ops.reshape(model.state(AGE), 1, slots);
    String signatures = signatures(graph); // [B, F]

    String unused = ops.castToFloat(ops.node("Greater", ages, ops.constant(OLDEST)));
    String distances =
        ops.add(squaredDistances(graph, signatures, centres), ops.mul(unused, ops.constant(NEVER)));
    String nearest = oneHot(ops, argument(ops, "ArgMin", distances)); // [B, D]
    String distance = ops.reduceSum(ops.mul(nearest, distances), true, 1); // [B, 1]
    String limit = ops.constant((float) (radius * radius));
    String beyond = ops.castToFloat(ops.node("Greater", distance, limit)); // [B, 1]
    String kept = ops.mul(nearest, ops.sub(one, beyond));
    String counts = ops.reduceSum(kept, true, 0); // [1, D]
    String used = ops.node("Min", counts, one);

    String aged = ops.mul(ops.add(ages, one), ops.sub(one, used));
    String candidates = ops.mul(aged, allButSource(ops)); // age 0: the source, or used just now
    String oldest = oneHot(ops, argument(ops, "ArgMax", candidates)); // [1, D]
    String founders = ops.reduceSum(beyond, true, 0); // [1, 1]
    String free = ops.reduceSum(ops.mul(oldest, candidates), true, 1);
    String founded = ops.node("Min", ops.mul(founders, free), one); // 1 where a domain is, else 0
    String founding = ops.mul(oldest, founded); // [1, D]
    model.advance(AGE, ops.reshape(ops.mul(aged, ops.sub(one, founding)), slots));

    String moving = ops.mul(used, ops.mul(allButSource(ops), ops.constant(RATE)));
    String means = meanRows(ops, kept, signatures, counts); // [D, F]
    String moved = ops.add(centres, ops.mul(column(ops, moving), ops.sub(means, centres)));
    String leader = meanRows(ops, beyond, signatures, founders); // [1, F]
    String isNew = column(ops, founding);
    model.advance(SIGNATURE, ops.add(moved, ops.mul(isNew, ops.sub(leader, moved))));

    String leaving = ops.mul(beyond, founded); // [B, 1]
    return ops.add(ops.mul(nearest, ops.sub(one, leaving)), ops.mul(leaving, founding));
  }

  private static String signatures(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    NormalizationSite site = graph.site();
    float[] deviation = new float[site.channels()];
    float[] variance = new float[site.channels()];
    for (int c = 0; c < deviation.length; c++) {
      variance[c] = site.variance()[c] + site.epsilon();
      deviation[c] = (float) Math.sqrt(variance[c]);
    }
    String mean = ops.div(graph.instanceMeans(), graph.vector(deviation));
    if (!site.isSpatial()) {
      return mean;
    }
    String raised = ops.add(graph.instanceMoments().variance(), ops.constant(site.epsilon()));
    return ops.concat(1, List.of(mean, ops.node("Log", ops.div(raised, graph.vector(variance)))));
  }

  /** Mean squares over entries, {@code [B, F], [D, F]} to {@code [B, D]}. */
  private String squaredDistances(SiteGraph graph, String signatures, String centres) {
    OperatorWriter ops = graph.ops();
    String own = ops.reduceMean(ops.mul(signatures, signatures), true, 1);
    String theirs = ops.reshape(ops.reduceMean(ops.mul(centres, centres), false, 1), 1, slots);
    String product = ops.matMulTransposed(-2f / width(graph.site()), signatures, centres);
    return ops.max(ops.add(ops.add(own, theirs), product), ops.constant(0f));
  }

  /** Mean of the rows that each column of a 0-1 matrix {@code [B, n]} selects, {@code [n, F]}. */
  private static String meanRows(OperatorWriter ops, String selection, String rows, String counts) {
    String sums = ops.matMul(ops.transpose(selection, 1, 0), rows);
    String sizes = ops.max(ops.transpose(counts, 1, 0), ops.constant(1f));
    return ops.div(sums, sizes);
  }

  private String column(OperatorWriter ops, String row) {
    return ops.reshape(row, slots, 1);
  }

  private String allButSource(OperatorWriter ops) {
    float[] mask = new float[slots];
    Arrays.fill(mask, 1, slots, 1);
    return ops.constant(mask, 1, slots);
  }

  /** Index of the first extreme entry of each row, {@code [rows, 1]}. */
  private static String argument(OperatorWriter ops, String operator, String matrix) {
    return ops.emit(operator, List.of(matrix), OperatorWriter.integer("axis", 1));
  }

  private String oneHot(OperatorWriter ops, String indices) {
    String all = ops.reshape(ops.constant(LongStream.range(0, slots).toArray()), 1, slots);
    return ops.castToFloat(ops.node("Equal", indices, all));
  }
}
