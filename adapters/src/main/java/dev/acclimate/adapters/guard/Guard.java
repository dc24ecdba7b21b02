package dev.acclimate.adapters.guard;

import dev.acclimate.adapters.guard.GuardEvent.Kind;
import dev.acclimate.adapters.guard.GuardEvent.Signal;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides batch by batch whether adapted answers may go out, whether the state may take the batch
 * in, and when it must go back. It does no input or output, and is a deterministic fold over
 * batches: from equal beginnings, equal batches lead to equal decisions. Not thread-safe.
 *
 * <h2>What separates harm from benefit without labels</h2>
 *
 * Only samples that the two models answer differently matter. There, with {@code p_a} and {@code
 * p_f} the class probabilities of the adapted and the frozen model, and their mean as the best
 * guess at the truth that there is, adapted answers are expected to be right so much more often:
 *
 * <pre>gain = ((p_a + p_f)(adapted answer) - (p_a + p_f)(frozen answer)) / 2</pre>
 *
 * 0 where both agree. It is a difference of confidences (Guillory et al. 2021, "Predicting with
 * confidence on unseen distributions") that each model's answer is judged with by the other too. It
 * needs no balance of classes: a burst of one class that batch statistics tear apart leaves the
 * frozen model confident and the adapted one not. Its moving average decides, with hysteresis:
 * adapted answers start to go out above one threshold and stop below another, and the batch in hand
 * counts before it is answered. So a stream that gives no evidence of gain is answered frozen,
 * which costs nothing where there is none. Where the samples come from another domain ({@link
 * DomainWatch}), trust is earned anew.
 *
 * <p>Confidence deceives where adaptation has collapsed into few classes. That shows as adapted
 * answers of much fewer effective classes than the frozen ones, although the frozen ones are what
 * they were. And samples that repeat, or are blank, teach nothing: the state is held.
 *
 * <p>A method that learns to be sure of itself is no witness to its own answers: {@code p_a} is
 * then that of the same model with the same statistics, which does not learn. What was learnt may
 * differ from it, but where that model too finds the answers less likely than the frozen ones, they
 * are not given. Of what was learnt wrongly it sees a part, so that much more gain is asked for.
 *
 * <p>Labels, where they come, overrule all that once they settle the matter ({@link
 * SequentialTest}).
 */
public final class Guard {
  private static final int OVERHEAD = 1024;

  /** Gain that learnt answers have to show beyond what is asked of others. */
  private static final double UNWITNESSED = 0.01;

  /** How many mixes of classes are kept. */
  private static final int MIXES = 3;

  /** Samples that the mixes of classes are taken over. */
  private static final int MIX = 128;

  /** The same for what the frozen mix is compared with. */
  private static final int LONG_MIX = 2048;

  /** Frozen answers count as unchanged up to this total variation distance. */
  private static final double SAME_MIX = 0.25;

  /** Below that part of differing answers, nothing has collapsed. */
  private static final double FEW_DIFFER = 0.2;

  /** Batches that an update is held after a fall. */
  private static final int HOLD = 16;

  /** A batch is held when more of it than that teaches nothing. */
  private static final double BLANK = 0.5;

  /** Samples that a bad state may take to recover before it is rolled back; doubled each time. */
  private static final long PATIENCE = 1024;

  private static final long LONGEST_PATIENCE = 32_768;

  /** Samples after a fall before adapted answers may return; doubled by each relapse. */
  private static final long PROBATION = 128;

  /** Samples of another domain that tell enough about it. */
  private static final long EARLIEST = 64;

  private static final long LONGEST_PROBATION = 4096;

  /** Good samples that make up for a relapse. */
  private static final long FORGIVENESS = 2048;

  /** A labelled certainty beyond it need not be unlearnt. */
  private static final double MOST_EVIDENCE = 6;

  private final GuardPolicy policy;
  private final InputWatch inputs = new InputWatch();
  private final ConfidenceWatch confidence = new ConfidenceWatch();
  private final DomainWatch domain = new DomainWatch();
  private final SequentialTest labelledGain = new SequentialTest(MOST_EVIDENCE);
  private final SequentialTest labelledHarm = new SequentialTest(MOST_EVIDENCE);
  private @Nullable ClassMix adaptedMix;
  private @Nullable ClassMix frozenMix;
  private @Nullable ClassMix usualMix;
  private boolean trusted;
  private double gain;
  private double gainWeight = 1;
  private boolean anotherDomain;
  private double differing;
  private double adaptedEntropy;
  private double frozenEntropy;
  private double blank;
  private boolean blankBefore;
  private long sinceRollBack;
  private long patience = PATIENCE;
  private long batches;
  private int sinceCheck;
  private int interval = 1;
  private int held;
  private long probation;
  private long good;
  private int relapses;

  /** A guard that has seen nothing yet. */
  public Guard(GuardPolicy policy) {
    this.policy = policy;
  }

  /**
   * What is to be done about a batch.
   *
   * @param adapted whether adapted answers may go out
   * @param keep whether the state may take the batch in
   * @param rollBack whether it must go back to the last good one, or the start where there is none
   * @param isGood whether the state before the batch has proved good
   * @param events what changed
   */
  public record Decision(
      boolean adapted, boolean keep, boolean rollBack, boolean isGood, List<GuardEvent> events) {
    public Decision {
      events = List.copyOf(events);
    }
  }

  /**
   * Whether the frozen model's answer to a batch is needed. To be asked once a batch, before {@link
   * #judge}.
   *
   * @param samples the batch's samples {@code [B, ...]}
   * @param adapted the adapted model's answer
   */
  public boolean wantsFrozen(Tensor samples, Scores adapted) {
    batches++;
    blank = (double) inputs.blank(samples) / adapted.size();
    sinceCheck++;
    boolean alarmed = confidence.isAlarmedBy(adapted);
    anotherDomain = blank <= BLANK && domain.isLeftBy(samples);
    return !trusted || blank > BLANK || alarmed || anotherDomain || sinceCheck >= interval;
  }

  /**
   * Decides about a batch that {@link #wantsFrozen} let pass without the frozen model's answer.
   *
   * @return as at the last batch that it answered
   */
  public Decision judge() {
    return new Decision(trusted, true, false, false, List.of());
  }

  /**
   * Decides about a batch of a method that adapts statistics alone, or learns from labels.
   *
   * @param frozen the frozen model's answer
   */
  public Decision judge(Scores adapted, Scores frozen) {
    return judge(adapted, frozen, adapted);
  }

  /**
   * Decides about a batch.
   *
   * @param frozen the frozen model's answer
   * @param witness says how likely the adapted answers are; where the method learns to be sure of
   *     them, the answer of the model that adapts without learning
   */
  public Decision judge(Scores adapted, Scores frozen, Scores witness) {
    sinceCheck = 0;
    List<GuardEvent> events = new ArrayList<>();
    if (blank > BLANK) {
      if (!blankBefore) {
        events.add(event(Kind.HELD, Signal.BLANK_INPUTS, blank, BLANK));
      }
      blankBefore = true;
      interval = 1;
      return new Decision(false, false, false, false, events);
    }
    blankBefore = false;
    if (anotherDomain) {
      gainWeight = 0; // what was gained, or lost, elsewhere says nothing here
      probation = Math.min(probation, EARLIEST);
    }
    double batchGain = take(adapted, frozen, witness);
    return trusted ? whileTrusted(batchGain, adapted, events) : whileNot(adapted, events);
  }

  private Decision whileTrusted(double batchGain, Scores adapted, List<GuardEvent> events) {
    GuardEvent harm = harm();
    if (harm != null && !(anotherDomain && harm.signal() == Signal.EXPECTED_GAIN)) {
      events.add(harm);
      return fall(events);
    }
    boolean proven = labelledGain.evidence() >= policy.evidence();
    boolean gains = adapted.size() >= EARLIEST && gain > policy.returnGain();
    if (anotherDomain && !gains && !proven) {
      events.add(event(Kind.FELL_BACK, Signal.EXPECTED_GAIN, gain, policy.returnGain()));
      return startInAnotherDomain(events);
    }
    boolean warned = batchGain < policy.fallGain() && labelledGain.evidence() < policy.evidence();
    if (warned) {
      if (interval > 1) {
        events.add(event(Kind.WARNED, Signal.EXPECTED_GAIN, batchGain, policy.fallGain()));
      }
      interval = 1;
      return new Decision(false, true, false, false, events);
    }
    interval = Math.min(2 * interval, policy.checkEvery());
    confidence.learn(adapted);
    good += adapted.size();
    if (good >= FORGIVENESS && relapses > 0) {
      relapses--;
      good = 0;
    }
    return new Decision(true, true, false, true, events);
  }

  /** Trust is earned anew. That the state does not suit another domain at once is no relapse. */
  private Decision startInAnotherDomain(List<GuardEvent> events) {
    trusted = false;
    probation = EARLIEST;
    interval = 1;
    return new Decision(false, true, false, false, events);
  }

  /**
   * The frozen model answers from this batch on. An expected loss may come from the stream alone,
   * and pass with it: the state goes on then, shielded, and is given up only where it does not
   * recover. A collapse, and what labels say, condemns the state at once.
   */
  private Decision fall(List<GuardEvent> events) {
    trusted = false;
    interval = 1;
    good = 0;
    relapses++;
    probation = Math.min(LONGEST_PROBATION, PROBATION << Math.min(relapses, 10));
    confidence.clear();
    sinceRollBack = 0;
    patience = PATIENCE;
    GuardEvent cause = events.get(events.size() - 1);
    return cause.signal() == Signal.EXPECTED_GAIN
        ? new Decision(false, true, false, false, events)
        : giveUp(cause, events);
  }

  /** Holds updates and rolls back, as far as the policy goes. */
  private Decision giveUp(GuardEvent cause, List<GuardEvent> events) {
    boolean hold = policy.action().compareTo(GuardPolicy.Action.HOLD) >= 0;
    boolean rollBack = policy.action() == GuardPolicy.Action.ROLLBACK;
    if (hold) {
      held = HOLD;
      events.add(event(Kind.HELD, cause.signal(), cause.value(), cause.threshold()));
    }
    if (rollBack) {
      events.add(event(Kind.ROLLED_BACK, cause.signal(), cause.value(), cause.threshold()));
    }
    return new Decision(false, !hold, rollBack, false, events);
  }

  private Decision whileNot(Scores adapted, List<GuardEvent> events) {
    boolean keep = held == 0;
    held = Math.max(0, held - 1);
    probation = Math.max(0, probation - adapted.size());
    boolean proven = labelledGain.evidence() >= policy.evidence();
    GuardEvent harm = harm();
    if (harm != null) {
      return stillBad(keep, harm, adapted.size(), events);
    }
    if (probation > 0 && !proven) {
      return new Decision(false, keep, false, false, events);
    }
    if (proven) {
      events.add(
          event(Kind.TRUSTED, Signal.LABELLED_GAIN, labelledGain.evidence(), policy.evidence()));
    } else if (gain > policy.returnGain()) {
      events.add(event(Kind.TRUSTED, Signal.EXPECTED_GAIN, gain, policy.returnGain()));
    } else {
      return new Decision(false, keep, false, false, events);
    }
    trusted = true;
    interval = 1;
    held = 0;
    return new Decision(true, true, false, false, events);
  }

  /** A state that was good once, or has collapsed, is given up when it does not recover. */
  private Decision stillBad(boolean keep, GuardEvent harm, int samples, List<GuardEvent> events) {
    sinceRollBack += samples;
    boolean lost = relapses > 0 || harm.signal() == Signal.DIVERSITY;
    if (!lost || sinceRollBack < patience) {
      return new Decision(false, keep, false, false, events);
    }
    sinceRollBack = 0;
    patience = Math.min(LONGEST_PATIENCE, 2 * patience);
    return giveUp(harm, events);
  }

  /** What speaks against adapted answers, null where nothing does. */
  private @Nullable GuardEvent harm() {
    if (labelledHarm.evidence() >= policy.evidence()
        && labelledHarm.evidence() > labelledGain.evidence()) {
      return event(
          Kind.FELL_BACK, Signal.LABELLED_HARM, labelledHarm.evidence(), policy.evidence());
    }
    double diversity = diversity(adaptedMix, frozenMix);
    if (diversity < policy.collapse() && differing > FEW_DIFFER && isFrozenMixUsual()) {
      return event(Kind.FELL_BACK, Signal.DIVERSITY, diversity, policy.collapse());
    }
    if (gain < policy.fallGain() && labelledGain.evidence() < policy.evidence()) {
      return event(Kind.FELL_BACK, Signal.EXPECTED_GAIN, gain, policy.fallGain());
    }
    return null;
  }

  /** Takes a batch into the signals; returns its own expected gain. */
  private double take(Scores adapted, Scores frozen, Scores witness) {
    ClassMix ofAdapted = adaptedMix == null ? new ClassMix(adapted.width(), MIX) : adaptedMix;
    ClassMix ofFrozen = frozenMix == null ? new ClassMix(adapted.width(), MIX) : frozenMix;
    ClassMix usual = usualMix == null ? new ClassMix(adapted.width(), LONG_MIX) : usualMix;
    double weight = 1.0 / policy.window();
    double margin = witness == adapted ? 0 : UNWITNESSED;
    double sum = 0;
    for (int i = 0; i < adapted.size(); i++) {
      int mine = adapted.answer(i);
      int other = frozen.answer(i);
      double expected =
          (witness.probability(i, mine)
                      + frozen.probability(i, mine)
                      - witness.probability(i, other)
                      - frozen.confidence(i))
                  / 2
              - margin;
      sum += expected;
      gainWeight += weight * (1 - gainWeight);
      gain += weight / gainWeight * (expected - gain);
      differing += weight * ((mine == other ? 0 : 1) - differing);
      adaptedEntropy += weight * (adapted.entropy(i) - adaptedEntropy);
      frozenEntropy += weight * (frozen.entropy(i) - frozenEntropy);
      ofAdapted.add(mine);
      ofFrozen.add(other);
      usual.add(other);
    }
    adaptedMix = ofAdapted;
    frozenMix = ofFrozen;
    usualMix = usual;
    return sum / adapted.size();
  }

  private static double diversity(@Nullable ClassMix adapted, @Nullable ClassMix frozen) {
    return adapted == null || frozen == null
        ? 1
        : adapted.effectiveClasses() / frozen.effectiveClasses();
  }

  private boolean isFrozenMixUsual() {
    return frozenMix != null && usualMix != null && frozenMix.distance(usualMix) < SAME_MIX;
  }

  private GuardEvent event(Kind kind, Signal signal, double value, double threshold) {
    return new GuardEvent(batches, kind, signal, value, threshold);
  }

  /**
   * Takes in what a label says of a sample that both models answered.
   *
   * @param adaptedRight whether the adapted model's answer was the label
   * @param frozenRight whether the frozen model's was
   */
  public void label(boolean adaptedRight, boolean frozenRight) {
    int difference = (adaptedRight ? 1 : 0) - (frozenRight ? 1 : 0);
    if (difference != 0) {
      labelledGain.add(difference);
      labelledHarm.add(-difference);
    }
  }

  /** Starts anew, as for another state. */
  public void reset() {
    confidence.clear();
    domain.clear();
    labelledGain.clear();
    labelledHarm.clear();
    adaptedMix = null;
    frozenMix = null;
    usualMix = null;
    trusted = false;
    gain = 0;
    gainWeight = 1;
    differing = 0;
    interval = 1;
    held = 0;
    probation = 0;
    good = 0;
    relapses = 0;
    sinceRollBack = 0;
    patience = PATIENCE;
  }

  /** About what it takes in memory. */
  public long sizeInBytes() {
    ClassMix mix = adaptedMix;
    return OVERHEAD + (mix == null ? 0 : MIXES * mix.sizeInBytes());
  }

  /** What it sees at present. */
  public GuardSignals signals() {
    return new GuardSignals(
        trusted,
        held > 0,
        gain,
        differing,
        adaptedEntropy,
        frozenEntropy,
        adaptedMix == null ? Double.NaN : adaptedMix.effectiveClasses(),
        frozenMix == null ? Double.NaN : frozenMix.effectiveClasses());
  }
}
