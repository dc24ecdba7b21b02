package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * AdaB2N: running statistics without recency bias. Lyu, Wang et al., NeurIPS 2023, "Overcoming
 * Recency Bias of Normalization Statistics in Continual Learning: Balance and Adaptation".
 *
 * <p><b>Balance over time.</b> {@code running += eta * (batch - running)} with {@code eta_1 =
 * m^kappa} and {@code eta_t = eta_(t-1) / (eta_(t-1) + (1-m)^kappa)}: a plain moving average at
 * kappa 1, the mean over all batches at kappa 0, and in between steps that shrink to {@code 1 -
 * (1-m)^kappa}. The source statistics are where the running ones start; the first batch leaves
 * {@code 1 - m^kappa} of them.
 *
 * <p><b>Balance within the batch.</b> Samples weigh so that a task with many of them does not drown
 * the others, see {@link TaskBalance}. Variances are biased, as in the paper.
 *
 * <p>On inference streams the running value normalizes. With {@code normalize=batch} the batch's
 * own does, as in the paper's training, and the graph has an output {@code acclimate/norm_loss}
 * {@code [1]}: the paper's regularizer before its factor, {@code mean_c (batch mean - running
 * mean)^2 + mean_c (batch variance - running variance)^2} with running values after the step,
 * summed over sites.
 *
 * <p>Sites without a spatial axis adapt too. There a batch of one sample has variance 0, which is
 * folded in like any other.
 *
 * @param kappa in [0, 1]
 * @param momentum m, in ]0, 1]
 * @param tasks where a sample's task comes from
 * @param renormalize true where sample weights are divided by their sum, and all tasks count alike;
 *     false for the reference's form, in which learnt task weights count, and so do tasks that were
 *     seen before and are absent from the batch
 * @param slots how many tasks are told apart where that is bounded: detected ones, the source among
 *     them, and given ones without renormalization
 * @param radius how far from a domain's centre a sample may lie, see {@link DomainDetector}
 * @param normalize whose statistics normalize
 */
record Adab2n(
    double kappa,
    double momentum,
    Tasks tasks,
    boolean renormalize,
    int slots,
    double radius,
    Statistics normalize)
    implements Method {
  static final String NAME = "adab2n";
  static final String ETA = "eta";

  /** Smaller ones win on one long domain and lose where domains change, see the README. */
  private static final double DEFAULT_KAPPA = 0.5;

  private static final double DEFAULT_MOMENTUM = 0.1;
  private static final int DEFAULT_SLOTS = 8;
  private static final double DEFAULT_RADIUS = 1;
  private static final String NORM_LOSS = "norm_loss";

  /** Where a sample's task comes from. */
  enum Tasks {
    /** From {@link AdaptiveModel#TASK_INPUT}. */
    GIVEN,
    /** From the sample's own statistics, see {@link DomainDetector}. */
    DETECTED,
    /** All samples are of one task. */
    NONE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Whose statistics normalize. */
  enum Statistics {
    /** The running value after the step. */
    RUNNING,
    /** The batch's own, as in training. */
    BATCH;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  Adab2n {
    if (!renormalize && tasks != Tasks.GIVEN) {
      throw new InvalidInputException(
          "method '" + NAME + "': renormalize=false goes with tasks=given only, found " + tasks);
    }
  }

  static Adab2n read(OptionReader options) {
    return new Adab2n(
        options.number("kappa", DEFAULT_KAPPA, 0, false, 1),
        options.number("momentum", DEFAULT_MOMENTUM, 0, true, 1),
        options.choice("tasks", Tasks.GIVEN, Tasks.class),
        options.flag("renormalize", true),
        options.integer("slots", DEFAULT_SLOTS, 2, 4096),
        options.number("radius", DEFAULT_RADIUS, 0, true, Double.MAX_VALUE),
        options.choice("normalize", Statistics.RUNNING, Statistics.class));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("kappa", Double.toString(kappa));
    options.put("momentum", Double.toString(momentum));
    options.put("tasks", tasks.toString());
    options.put("renormalize", Boolean.toString(renormalize));
    options.put("slots", Integer.toString(slots));
    options.put("radius", Double.toString(radius));
    options.put("normalize", normalize.toString());
    return options;
  }

  @Override
  public boolean adapts(NormalizationSite site) {
    return true;
  }

  @Override
  public boolean readsTasks() {
    return tasks == Tasks.GIVEN;
  }

  @Override
  public List<StateKind> stateKinds() {
    return List.of(new StateKind("running_mean", 0), new StateKind("running_var", 0));
  }

  @Override
  public List<SharedState> sharedStates(OnnxModel source, List<NormalizationSite> adapted) {
    List<SharedState> states = new ArrayList<>();
    // eta of the last batch; 0 before the first, which kappa 0 could not say with eta_0
    states.add(new SharedState(ETA, Tensor.of(new float[1], 1)));
    if (tasks == Tasks.DETECTED) {
      states.addAll(new DomainDetector(slots, radius).states(adapted.get(0)));
    } else if (!renormalize) {
      states.addAll(TaskBalance.states(slots));
    }
    return states;
  }

  @Override
  public float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    return new float[][] {site.mean(), site.variance()};
  }

  @Override
  public void rewrite(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    SiteGraph.Moments batch = balancedMoments(graph);
    String eta = graph.model().shared(ETA, () -> nextEta(graph));
    String mean = moved(ops, ops.sub(graph.state(0), graph.sourceMean()), eta, batch.mean());
    String variance = moved(ops, graph.state(1), eta, batch.variance());
    graph.setNextStates(ops.add(mean, graph.sourceMean()), variance);
    if (normalize == Statistics.RUNNING) {
      graph.normalizeBatch(mean, variance);
      return;
    }
    graph.normalizeBatch(batch.mean(), batch.variance());
    graph
        .model()
        .addTerm(
            NORM_LOSS,
            ops.add(
                meanSquare(ops, ops.sub(batch.mean(), mean)),
                meanSquare(ops, ops.sub(batch.variance(), variance))));
  }

  private SiteGraph.Moments balancedMoments(SiteGraph graph) {
    if (tasks == Tasks.NONE || !graph.isPerSample()) {
      return graph.batchMoments();
    }
    ModelGraph model = graph.model();
    String weights = model.shared("weights", () -> sampleWeights(graph));
    String sum =
        renormalize
            ? null
            : model.shared("sum-of-weights", () -> graph.ops().reduceSum(weights, false, 1));
    return graph.weightedMoments(weights, sum);
  }

  /** What each sample weighs, {@code [1, B]}. */
  private String sampleWeights(SiteGraph graph) {
    TaskBalance balance = new TaskBalance(graph);
    if (!renormalize) {
      return balance.weightsAmongTasksSeen(slots);
    }
    return balance.weights(
        tasks == Tasks.DETECTED
            ? balance.sizes(new DomainDetector(slots, radius).write(graph))
            : balance.sizesOfGiven());
  }

  /** {@code eta_t}, {@code [1]}. */
  private String nextEta(SiteGraph graph) {
    String eta = AdaptiveMomentum.next(graph.ops(), graph.model().state(ETA), kappa, momentum);
    graph.model().advance(ETA, eta);
    return eta;
  }

  /** {@code s + eta (b - s)}. */
  private static String moved(OperatorWriter ops, String running, String eta, String batch) {
    return ops.add(running, ops.mul(eta, ops.sub(batch, running)));
  }

  private static String meanSquare(OperatorWriter ops, String vector) {
    return ops.reduceMean(ops.mul(vector, vector), true, 0);
  }
}
