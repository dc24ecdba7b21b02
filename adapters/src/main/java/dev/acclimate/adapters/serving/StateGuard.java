package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.guard.Guard;
import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.guard.GuardSignals;
import dev.acclimate.adapters.guard.Scores;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.RuntimeFailure;
import dev.acclimate.models.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link Guard} over one state of a model: makes of what it decides about a batch what happens to
 * the state, and keeps the states that have proved good. Not thread-safe.
 */
public final class StateGuard implements AutoCloseable {
  /** What it takes besides the guard's and the states' own memory. */
  private static final int OVERHEAD = 512;

  private static final Logger log = LoggerFactory.getLogger(StateGuard.class);

  private final AdaptiveModel model;
  private final Guard guard;
  private final GoodStates good;
  private final String scores;
  private final String samples;

  /**
   * Where the method learns to be sure of itself: what the model that adapts without learning has
   * seen. It is not asked about every batch, and knows only those.
   */
  private @Nullable AdaptationState statistics;

  /** What becomes of a state. */
  public enum Fate {
    /** It took the batch in. */
    TAKEN,
    /** It stays as it was before the batch. */
    HELD,
    /** It is a good one from before. */
    ROLLED_BACK
  }

  /**
   * What is done about a batch.
   *
   * @param mayGoOut whether adapted answers may go out
   * @param fate what becomes of the state
   * @param events what changed
   */
  public record Ruling(boolean mayGoOut, Fate fate, List<GuardEvent> events) {
    public Ruling {
      events = List.copyOf(events);
    }
  }

  /**
   * A guard that has seen nothing yet.
   *
   * @param model whose answers it watches
   * @param start the state to go back to where none has proved good; the caller's to close
   *     afterwards, never written to
   * @throws InvalidInputException when the model gives no class scores
   */
  public StateGuard(AdaptiveModel model, GuardPolicy policy, AdaptationState start) {
    this.model = model;
    this.guard = new Guard(policy);
    this.good = new GoodStates(start, policy.snapshots(), policy.snapshotBytes());
    this.scores = Scores.output(model.outputs());
    this.samples = model.samplesInput();
    follow(start);
  }

  /** Whether a policy has something to watch in a model. */
  public static boolean isFor(AdaptiveModel model, GuardPolicy policy) {
    return policy.watches() && model.adapts();
  }

  /**
   * Decides about a batch, before it is answered.
   *
   * @param batch the model's inputs
   * @param adapted the adapted model's answer, with which a step was taken
   * @param frozen the frozen model's answer, asked for where it is needed
   * @param before the state before the batch
   * @param after the state after it; a good one from before where it must go back
   */
  public Ruling judge(
      Map<String, Tensor> batch,
      Map<String, Tensor> adapted,
      FrozenAnswer frozen,
      AdaptationState before,
      AdaptationState after) {
    Scores mine = scores(adapted);
    boolean wanted = guard.wantsFrozen(Objects.requireNonNull(batch.get(samples)), mine);
    Map<String, Tensor> other = wanted ? frozen.get() : frozen.known(); // known is free
    Guard.Decision decision = other == null ? guard.judge() : judge(batch, mine, scores(other));
    if (decision.isGood()) {
      good.add(before);
    }
    if (decision.rollBack()) {
      after.set(good.latest());
      follow(after);
    }
    return new Ruling(decision.adapted(), fate(decision), decision.events());
  }

  private Guard.Decision judge(Map<String, Tensor> batch, Scores mine, Scores frozen) {
    AdaptationState seen = statistics;
    return guard.judge(mine, frozen, seen == null ? mine : testimony(batch, seen, frozen));
  }

  /** What the model says that adapts without learning; as the frozen one where it fails. */
  private Scores testimony(Map<String, Tensor> batch, AdaptationState seen, Scores frozen) {
    try {
      return scores(model.runWithoutLearning(batch, seen));
    } catch (RuntimeFailure e) {
      log.warn("{}: the model that does not learn failed: {}", model.name(), e.getMessage());
      return frozen;
    }
  }

  /** What does not learn goes on from a state's statistics. */
  private void follow(AdaptationState state) {
    if (model.sharpens()) {
      forgetStatistics();
      statistics = model.statistics(state);
    }
  }

  private void forgetStatistics() {
    if (statistics != null) {
      statistics.close();
    }
  }

  private static Fate fate(Guard.Decision decision) {
    if (decision.rollBack()) {
      return Fate.ROLLED_BACK;
    }
    return decision.keep() ? Fate.TAKEN : Fate.HELD;
  }

  private Scores scores(Map<String, Tensor> outputs) {
    return Scores.of(Objects.requireNonNull(outputs.get(scores)));
  }

  /** Takes in what a label says of a sample that both models answered; see {@link Guard#label}. */
  public void label(boolean adaptedRight, boolean frozenRight) {
    guard.label(adaptedRight, frozenRight);
  }

  /** Starts anew from another state, to which it goes back where none after it proves good. */
  public void startFrom(AdaptationState state) {
    good.startFrom(state);
    guard.reset();
    follow(state);
  }

  /** What the guard sees. */
  public GuardSignals signals() {
    return guard.signals();
  }

  /** About what it takes in memory, the good states not among it. */
  public long sizeInBytes() {
    return OVERHEAD + guard.sizeInBytes() + (statistics == null ? 0 : statistics.sizeInBytes());
  }

  /** What the good states take. */
  public long goodStatesBytes() {
    return good.sizeInBytes();
  }

  /** Lets go of the good states; the start is what is left to go back to. */
  public void forgetGoodStates() {
    good.forget();
  }

  @Override
  public void close() {
    good.close();
    forgetStatistics();
  }
}
