package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.AdaptiveMomentum;
import dev.acclimate.adapters.TaskBalance;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Puts AdaB2N's training form into the places of BatchNormalization nodes: Lyu, Wang et al.,
 * NeurIPS 2023, section 4, as their code has it. A batch is normalized with {@code mu = sum_b w_b
 * m_b} and {@code var = sum_b w_b mean_*((x_b - mu)^2)}, w from {@link TaskBalance} with a psi for
 * each site and task. Gradients reach psi, and the layers before, through both.
 *
 * <p>The input is centred on the running mean first, which costs one walk over the activations and
 * keeps the digits of {@code E[x^2] - E[x]^2}.
 */
final class BalancedSites {
  private final GraphEditor editor;
  private final BalancedStatistics statistics;
  private final List<String> means = new ArrayList<>();
  private final List<String> variances = new ArrayList<>();
  private final List<String> terms = new ArrayList<>();
  private final String eta;
  private final TaskBalance.Shares shares;
  private final OperatorWriter common;

  /**
   * What all sites have in common.
   *
   * @param tasks int64 {@code [B]}
   * @param psi {@code [sites, slots]}
   * @param seen {@code [slots]}
   * @param lastEta {@code [1]}
   */
  BalancedSites(
      GraphEditor editor,
      BalancedStatistics statistics,
      String tasks,
      String psi,
      String seen,
      String lastEta) {
    this.editor = editor;
    this.statistics = statistics;
    this.common = editor.writer("acclimate/balance/");
    this.eta = AdaptiveMomentum.next(common, lastEta, statistics.kappa(), statistics.momentum());
    this.shares = TaskBalance.amongTasksSeen(common, tasks, psi, seen, statistics.slots());
  }

  /**
   * Replaces the sites' nodes, and writes what they share before all others.
   *
   * @param runningMeans of each site, {@code [C]}
   * @param runningVariances likewise
   */
  void replace(
      List<NormalizationSite> sites, List<String> runningMeans, List<String> runningVariances) {
    long[] ones = new long[sites.size()];
    Arrays.fill(ones, 1);
    List<String> weights = common.split(shares.weights(), 0, ones);
    editor.prepend(common.nodes());
    for (int i = 0; i < sites.size(); i++) {
      replace(sites.get(i), weights.get(i), runningMeans.get(i), runningVariances.get(i));
    }
  }

  private void replace(
      NormalizationSite site, String weights, String runningMean, String runningVariance) {
    OperatorWriter ops = editor.writer(site.name() + "/learn/");
    long[] perChannel = new long[site.rank()];
    Arrays.fill(perChannel, 1);
    perChannel[1] = site.channels();
    String x = ops.sub(site.input(), ops.reshape(runningMean, perChannel));
    String square = ops.mul(x, x);
    String first = weighted(ops, site, weights, x);
    String second = weighted(ops, site, weights, square);
    String sum = ops.reduceSum(weights, false, 1);
    // where weights do not add up to 1 the means are still those of the data as they are
    String surplus = ops.mul(ops.sub(sum, ops.constant(1f)), runningMean);
    String mean = ops.add(first, surplus);
    String twice = ops.sub(ops.add(first, first), ops.mul(sum, mean));
    String variance = ops.max(ops.sub(second, ops.mul(mean, twice)), ops.constant(0f));
    var node = editor.model().graph().getNode(site.nodeIndex());
    ops.emitTo(
        site.output(),
        "BatchNormalization",
        List.of(x, node.getInput(1), node.getInput(2), mean, variance),
        OperatorWriter.number("epsilon", site.epsilon()));
    means.add(ops.add(runningMean, ops.mul(eta, mean)));
    String away = ops.sub(variance, runningVariance);
    variances.add(ops.add(runningVariance, ops.mul(eta, away)));
    terms.add(ops.add(meanSquare(ops, mean), meanSquare(ops, away)));
    editor.replace(site.nodeIndex(), ops.nodes());
  }

  private static String weighted(
      OperatorWriter ops, NormalizationSite site, String weights, String x) {
    String perInstance =
        site.isSpatial() ? ops.reshape(ops.globalAveragePool(x), 0, site.channels()) : x;
    return ops.reshape(ops.matMul(weights, perInstance), site.channels());
  }

  private static String meanSquare(OperatorWriter ops, String vector) {
    return ops.reduceMean(ops.mul(vector, vector), true, 0);
  }

  /**
   * Adds the regularizer to a loss. With d the distance of the batch's statistics to the running
   * ones before the step, those after it lie {@code (1 - eta) d} away, and count as constants: the
   * gradient is {@code 2 (1 - eta) d}, which is that of {@code (1 - eta) d^2}. So this is what is
   * added, where the paper's value is {@code (1 - eta)^2 d^2}; gradients are the paper's.
   *
   * <p>Like in the paper's code it counts from the second task on: before, running statistics that
   * still are far away would drive the weights, not the other way round.
   *
   * @return the sum of both, {@code [1]}
   */
  String regularized(OperatorWriter ops, String loss) {
    String rest = ops.sub(ops.constant(1f), eta);
    String weight = ops.mul(rest, ops.constant((float) statistics.lambda()));
    String one = ops.constant(1f);
    String others = ops.sub(ops.reduceSum(shares.seen(), true, 0), one);
    String counts = ops.node("Min", others, one);
    return ops.add(loss, ops.mul(ops.mul(weight, counts), distance(ops)));
  }

  /** The paper's regularizer before its weight, {@code [1]}. */
  String normLoss(OperatorWriter ops) {
    String rest = ops.sub(ops.constant(1f), eta);
    return ops.mul(ops.mul(rest, rest), distance(ops));
  }

  private String distance(OperatorWriter ops) {
    return ops.emit("Sum", terms);
  }

  List<String> nextMeans() {
    return means;
  }

  List<String> nextVariances() {
    return variances;
  }

  String nextEta() {
    return eta;
  }

  String nextSeen() {
    return shares.seen();
  }
}
