package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.StateTensor;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.blocks.BatchSessions;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A model that learns from labelled batches and answers in between.
 *
 * <p>A step whose loss or next state is not finite is dropped as a whole: the state stays as it
 * was. With one CPU thread the state is a function of the batches, to the bit. Not thread-safe.
 */
public final class Learner implements AutoCloseable {
  private final LearningGraph graph;
  private final BatchSessions step;
  private final BatchSessions serving;
  private final String input;
  private final String output;
  private LearningState state;
  private LearningState next;
  private long rejected;

  /**
   * What a step came to.
   *
   * @param loss mean cross-entropy of the batch, before the step
   * @param accepted false where the loss or the next state was not finite
   */
  public record Outcome(double loss, boolean accepted) {}

  private Learner(LearningGraph graph, LearningState state, SessionSettings settings) {
    this.graph = graph;
    this.state = state;
    this.next = state.copy();
    Dimension samples = graph.source().inputs().get(0).dimensions().get(0);
    int size = settings.batchSize();
    this.step =
        BatchSessions.open(graph.step(), () -> graph.forBatchesOf(size).step(), samples, settings);
    this.serving = BatchSessions.open(graph.serving(), graph::serving, samples, settings);
    this.input = graph.source().inputs().get(0).name();
    this.output = graph.source().outputs().get(0).name();
  }

  /**
   * Loads both graphs.
   *
   * @param start where it begins; becomes the learner's own, and is closed with it
   * @throws InvalidInputException when the state belongs to another graph
   */
  public static Learner open(LearningGraph graph, LearningState start, SessionSettings settings) {
    start.require(graph);
    return new Learner(graph, start, settings);
  }

  /** Takes one step. */
  public Outcome learn(LabelledBatch batch) {
    Map<String, Tensor> feeds = new HashMap<>();
    Map<String, Tensor> pinned = new HashMap<>();
    for (StateTensor tensor : graph.states()) {
      feeds.put(tensor.input(), state.tensor(tensor.name()));
      pinned.put(tensor.output(), next.tensor(tensor.name()));
    }
    feeds.put(input, batch.inputs());
    feeds.put(LearningGraph.LABELS, batch.labels());
    feeds.put(LearningGraph.TASKS, batch.tasks());
    Map<String, Tensor> results = step.of(feeds).run(feeds, pinned);
    double loss = Objects.requireNonNull(results.get(LearningGraph.LOSS)).floats().get(0);
    boolean accepted = Double.isFinite(loss) && next.isFinite();
    if (accepted) {
      LearningState before = state;
      state = next;
      next = before;
    } else {
      rejected++;
    }
    return new Outcome(loss, accepted);
  }

  /** The model's first output for samples {@code [B, ...]}, valid until the next call. */
  public Tensor answer(Tensor samples) {
    Map<String, Tensor> feeds = new HashMap<>();
    for (StateTensor tensor : graph.servingStates()) {
      feeds.put(tensor.input(), state.tensor(tensor.name()));
    }
    feeds.put(input, samples);
    return Objects.requireNonNull(serving.of(feeds).run(feeds).get(output), output);
  }

  /** The state as it stands; the learner's own. */
  public LearningState state() {
    return state;
  }

  /** Steps that were dropped. */
  public long rejected() {
    return rejected;
  }

  @Override
  public void close() {
    step.close();
    serving.close();
    state.close();
    next.close();
  }
}
