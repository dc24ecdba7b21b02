package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.List;
import java.util.stream.LongStream;

/**
 * What a sample weighs in the statistics of its batch: a task with n samples has concentration
 * {@code exp(psi) + n}, of which each of its samples gets the n-th part. Lyu, Wang et al., NeurIPS
 * 2023 (AdaB2N), section 4.1.
 *
 * <p>Where all psi are 0 and weights are made to add up to 1, only the number of samples that share
 * a task matters, not which task it is: a sample weighs {@code 1 + 1/n}, between once (one of many)
 * and twice (alone with its task). The reference's form keeps a weight psi per task and gives tasks
 * that were seen before and are absent their share of the sum, which then stays below 1.
 */
public final class TaskBalance {
  private static final String TASK_WEIGHT = "task_weight";
  private static final String TASK_SEEN = "task_seen";

  private final SiteGraph graph;
  private final OperatorWriter ops;

  TaskBalance(SiteGraph graph) {
    this.graph = graph;
    this.ops = graph.ops();
  }

  /**
   * What the reference's form keeps: psi, and 1 for each task seen so far, both {@code [slots]}.
   */
  static List<SharedState> states(int slots) {
    return List.of(
        new SharedState(TASK_WEIGHT, Tensor.of(new float[slots], slots)),
        new SharedState(TASK_SEEN, Tensor.of(new float[slots], slots)));
  }

  /** For each sample, how many in the batch have its task, {@code [1, B]}; any ids will do. */
  String sizesOfGiven() {
    String ids = AdaptiveModel.TASK_INPUT;
    String same = ops.node("Equal", ops.reshape(ids, -1, 1), ops.reshape(ids, 1, -1));
    return ops.reduceSum(ops.castToFloat(same), true, 0);
  }

  /** The same from memberships {@code [B, tasks]} of 0 and 1. */
  String sizes(String membership) {
    return ops.matMulTransposed(1f, ops.reduceSum(membership, true, 0), membership);
  }

  /** Weights {@code [1, B]} that add up to 1 from the sizes of the samples' tasks. */
  String weights(String sizes) {
    String one = ops.constant(1f);
    String raw = ops.add(one, ops.div(one, sizes));
    return ops.div(raw, ops.reduceSum(raw, true, 1));
  }

  /**
   * The reference's weights {@code [1, B]}. Ids that have no slot share the last one.
   *
   * @param slots tasks are 0 to slots - 1
   */
  String weightsAmongTasksSeen(int slots) {
    ModelGraph model = graph.model();
    Shares shares =
        amongTasksSeen(
            ops, AdaptiveModel.TASK_INPUT, model.state(TASK_WEIGHT), model.state(TASK_SEEN), slots);
    model.advance(TASK_SEEN, shares.seen());
    return shares.weights();
  }

  /**
   * What samples weigh, and which tasks were seen once the batch is.
   *
   * @param weights {@code [1, B]}, or {@code [J, B]} for J rows of psi
   * @param seen {@code [slots]}, 0 or 1
   */
  public record Shares(String weights, String seen) {}

  /**
   * Writes the reference's weights. Ids that have no slot share the last one.
   *
   * @param ids tasks of the samples, int64 {@code [B]}
   * @param psi {@code [slots]} or {@code [J, slots]}: gradients reach it through the weights
   * @param seen {@code [slots]}
   * @param slots tasks are 0 to slots - 1
   */
  public static Shares amongTasksSeen(
      OperatorWriter ops, String ids, String psi, String seen, int slots) {
    String membership = membership(ops, ids, slots);
    String counts = ops.reduceSum(membership, true, 0); // [1, slots]
    String one = ops.constant(1f);
    String seenNow = ops.max(seen, ops.node("Min", counts, one));
    String prior = ops.mul(seenNow, ops.node("Exp", psi));
    String concentration = ops.add(prior, counts);
    String share = ops.div(concentration, ops.reduceSum(concentration, true, 1));
    String weights = ops.matMulTransposed(1f, ops.div(share, ops.max(counts, one)), membership);
    return new Shares(weights, ops.reshape(seenNow, slots));
  }

  private static String membership(OperatorWriter ops, String taskOfSample, int slots) {
    String tasks = ops.reshape(ops.constant(LongStream.range(0, slots).toArray()), 1, slots);
    String ids = ops.reshape(taskOfSample, -1, 1);
    String own = ops.castToFloat(ops.node("Equal", ids, tasks));
    float[] last = new float[slots];
    last[slots - 1] = 1;
    String slotless = ops.sub(ops.constant(1f), ops.reduceSum(own, true, 1));
    return ops.add(own, ops.mul(slotless, ops.constant(last, 1, slots)));
  }
}
