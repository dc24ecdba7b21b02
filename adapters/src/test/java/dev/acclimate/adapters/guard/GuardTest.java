package dev.acclimate.adapters.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.adapters.guard.GuardEvent.Kind;
import dev.acclimate.adapters.guard.GuardEvent.Signal;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a {@link Guard} makes of answers, step by step. */
class GuardTest {
  private static final int SAMPLES = 64;
  private static final int CLASSES = 10;

  private final Guard guard = new Guard(GuardPolicy.DEFAULT);
  private final SplittableRandom random = new SplittableRandom(1);
  private final List<GuardEvent> events = new ArrayList<>();
  private double contrast = 1;
  private final Tensor inputs = Tensor.allocate(ElementType.FP32, SAMPLES, 3, 4, 4);

  @AfterEach
  void close() {
    inputs.close();
  }

  /** Answers of one confidence. */
  private static Scores answers(double confidence, IntUnaryOperator classOf) {
    return answers(i -> confidence, classOf);
  }

  private static Scores answers(IntToDoubleFunction confidences, IntUnaryOperator classOf) {
    float[] values = new float[SAMPLES * CLASSES];
    for (int i = 0; i < SAMPLES; i++) {
      double confidence = confidences.applyAsDouble(i);
      for (int c = 0; c < CLASSES; c++) {
        boolean answer = c == classOf.applyAsInt(i);
        values[i * CLASSES + c] = (float) (answer ? confidence : (1 - confidence) / (CLASSES - 1));
      }
    }
    try (Tensor scores = Tensor.of(values, SAMPLES, CLASSES)) {
      return Scores.of(scores);
    }
  }

  private Guard.Decision batch(Scores adapted, Scores frozen) {
    FloatBuffer values = inputs.floats();
    while (values.hasRemaining()) {
      values.put((float) (contrast * random.nextGaussian()));
    }
    boolean asked = guard.wantsFrozen(inputs, adapted);
    Guard.Decision decision = asked ? guard.judge(adapted, frozen) : guard.judge();
    events.addAll(decision.events());
    return decision;
  }

  private static Scores sure() {
    return answers(0.9, i -> i % CLASSES);
  }

  private static Scores unsure() {
    return answers(0.5, i -> (i + 1) % CLASSES);
  }

  private void trust() {
    assertThat(batch(sure(), unsure()).adapted()).isTrue();
  }

  @Test
  void answersFrozenUntilThereIsEvidenceOfGain() {
    assertThat(batch(sure(), sure()).adapted()).isFalse();
    assertThat(events).isEmpty();

    assertThat(batch(sure(), unsure()).adapted()).isTrue();
    assertThat(events).extracting(GuardEvent::kind).containsExactly(Kind.TRUSTED);
  }

  @Test
  void neverTrustsWhatIsLessSureThanTheFrozenModel() {
    for (int i = 0; i < 50; i++) {
      assertThat(batch(unsure(), sure()).adapted()).isFalse();
    }
    assertThat(events).isEmpty();
  }

  @Test
  void theFirstBadBatchIsAnsweredFrozenAndTheStateGoesOn() {
    trust();
    Guard.Decision first = batch(unsure(), sure());
    while (guard.signals().trusted()) {
      assertThat(batch(unsure(), sure()).adapted()).isFalse();
    }

    assertThat(first.adapted()).isFalse();
    assertThat(first.keep()).isTrue();
    assertThat(events).extracting(GuardEvent::kind).containsExactly(Kind.TRUSTED, Kind.FELL_BACK);
    assertThat(events.get(1).text())
        .contains("the frozen model answers: expected gain over frozen is -", "threshold 0.0000");
  }

  @Test
  void whatDoesNotRecoverIsRolledBack() {
    trust();
    int rollBacks = 0;
    for (int i = 0; i < 40; i++) { // patience: 1,024 samples, then 2,048
      rollBacks += batch(unsure(), sure()).rollBack() ? 1 : 0;
    }
    assertThat(rollBacks).isEqualTo(1);
    assertThat(events)
        .extracting(GuardEvent::kind)
        .containsSubsequence(Kind.FELL_BACK, Kind.HELD, Kind.ROLLED_BACK);
  }

  @Test
  void aGuardThatMayOnlyAnswerFrozenLeavesTheStateAlone() {
    Guard mild = new Guard(GuardPolicy.DEFAULT.with(GuardPolicy.Action.FROZEN));
    for (int i = 0; i < 60; i++) {
      Scores adapted = i == 0 ? sure() : unsure();
      Scores frozen = i == 0 ? unsure() : sure();
      boolean unused = mild.wantsFrozen(inputs(i), adapted);
      Guard.Decision decision = mild.judge(adapted, frozen);
      assertThat(decision.keep()).isTrue();
      assertThat(decision.rollBack()).isFalse();
    }
    assertThat(mild.signals().trusted()).isFalse();
  }

  @Test
  void returnsOnceTheLossHasPassed() {
    trust();
    while (guard.signals().trusted()) {
      var unused = batch(unsure(), sure());
    }
    int waited = 0;
    while (!batch(sure(), unsure()).adapted()) {
      waited++;
    }
    assertThat(waited).isBetween(1, 10);
  }

  @Test
  void asksTheFrozenModelSeldomWhileAllIsWell() {
    int asked = 0;
    for (int i = 0; i < 200; i++) {
      Scores adapted = answers(s -> 0.8 + 0.2 * random.nextDouble(), s -> s % CLASSES);
      asked += guard.wantsFrozen(inputs(i), adapted) ? 1 : 0;
      var unused = guard.judge(adapted, unsure());
    }
    assertThat(asked).isBetween(1, 40);
  }

  private Tensor inputs(long seed) {
    SplittableRandom draw = new SplittableRandom(seed);
    FloatBuffer values = inputs.floats();
    while (values.hasRemaining()) {
      values.put((float) draw.nextGaussian());
    }
    return inputs;
  }

  @Test
  void confidenceDoesNotHideACollapse() {
    Scores frozen = answers(0.7, i -> i % CLASSES);
    for (int i = 0; i < 8; i++) {
      var unused = batch(sure(), unsure());
    }
    assertThat(guard.signals().trusted()).isTrue();

    for (int i = 0; i < 40 && guard.signals().trusted(); i++) {
      var unused = batch(answers(0.999, s -> 3), frozen);
    }

    assertThat(guard.signals().trusted()).isFalse();
    assertThat(events)
        .filteredOn(event -> event.kind() == Kind.ROLLED_BACK)
        .extracting(GuardEvent::signal)
        .containsExactly(Signal.DIVERSITY);
  }

  @Test
  void aBurstOfOneClassIsNoCollapse() {
    for (int i = 0; i < 40; i++) {
      var unused = batch(answers(0.9, s -> s % CLASSES), answers(0.5, s -> (s + 1) % CLASSES));
    }
    for (int i = 0; i < 40; i++) {
      var unused = batch(answers(0.9, s -> 3), answers(0.5, s -> s % 4 == 0 ? 4 : 3));
    }
    assertThat(guard.signals().trusted()).isTrue();
    assertThat(events).extracting(GuardEvent::kind).containsExactly(Kind.TRUSTED);
  }

  /** Its answers stay diverse and sure while they go wrong, and no class is missing. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneThatMakesItselfSureIsJudgedByOneThatDoesNot(boolean rightly) {
    Scores frozen = answers(0.6, s -> s % CLASSES);
    Scores learnt = answers(0.999, s -> (s + 1) % CLASSES);
    Scores witness = answers(0.8, s -> (rightly ? s + 1 : s) % CLASSES);
    for (int i = 0; i < 40; i++) {
      if (guard.wantsFrozen(inputs(i), learnt)) {
        events.addAll(guard.judge(learnt, frozen, witness).events());
      }
    }

    assertThat(guard.signals().trusted()).isEqualTo(rightly);
  }

  /** Little is gained, though something: enough to go on with, too little to begin with. */
  @ParameterizedTest
  @ValueSource(doubles = {1, 0.3})
  void trustIsEarnedAnewInAnotherDomain(double then) {
    for (int i = 0; i < 60; i++) {
      assertThat(batch(sure(), unsure()).adapted()).isTrue();
    }
    contrast = then;
    for (int i = 0; i < 60; i++) {
      var unused = batch(answers(0.502, s -> s % CLASSES), unsure());
    }
    assertThat(guard.signals().trusted()).isEqualTo(then == 1);

    for (int i = 0; i < 5; i++) {
      var unused = batch(sure(), unsure());
    }
    assertThat(guard.signals().trusted()).isTrue();
    assertThat(events).noneMatch(event -> event.kind() == Kind.ROLLED_BACK);
  }

  /** A state that has to settle in each domain returns in each as soon as in the first. */
  @Test
  void aLossWhereADomainBeginsIsNoRelapse() {
    for (int domains = 0; domains < 4; domains++) {
      for (int i = 0; i < 30; i++) {
        var unused = batch(sure(), unsure());
      }
      contrast = domains % 2 == 0 ? 0.3 : 1;
      assertThat(batch(unsure(), sure()).adapted()).isFalse();
      for (int i = 0; i < 3; i++) {
        var unused = batch(sure(), unsure());
      }
      assertThat(guard.signals().trusted()).isTrue();
    }
    assertThat(events)
        .extracting(GuardEvent::kind)
        .containsOnly(Kind.TRUSTED, Kind.FELL_BACK)
        .hasSize(9);
  }

  @Test
  void labelsOverruleConfidence() {
    trust();
    for (int i = 0; i < 20; i++) {
      guard.label(false, true);
    }
    Guard.Decision decision = batch(sure(), unsure());
    while (decision.events().isEmpty()) { // asked at the next check
      decision = batch(sure(), unsure());
    }
    assertThat(decision.adapted()).isFalse();
    assertThat(events)
        .filteredOn(event -> event.kind() == Kind.FELL_BACK)
        .extracting(GuardEvent::signal)
        .containsExactly(Signal.LABELLED_HARM);

    for (int i = 0; i < 60; i++) {
      guard.label(true, false);
    }
    assertThat(batch(unsure(), sure()).adapted()).isTrue();
  }

  @Test
  void aFewUnluckyLabelsSettleNothing() {
    trust();
    for (int i = 0; i < 200; i++) {
      guard.label(i % 2 == 0, i % 2 != 0);
    }
    for (int i = 0; i < 20; i++) {
      assertThat(batch(sure(), unsure()).adapted()).isTrue();
    }
  }

  @Test
  void sameBatchesSameDecisions() {
    Guard other = new Guard(GuardPolicy.DEFAULT);
    SplittableRandom draw = new SplittableRandom(7);
    for (int i = 0; i < 100; i++) {
      Scores adapted = answers(0.3 + 0.6 * draw.nextDouble(), s -> s % CLASSES);
      Scores frozen = answers(0.3 + 0.6 * draw.nextDouble(), s -> (s + 1) % CLASSES);
      boolean wanted = guard.wantsFrozen(inputs(i), adapted);
      assertThat(other.wantsFrozen(inputs(i), adapted)).isEqualTo(wanted);
      assertThat(wanted ? other.judge(adapted, frozen) : other.judge())
          .isEqualTo(wanted ? guard.judge(adapted, frozen) : guard.judge());
      assertThat(other.signals()).isEqualTo(guard.signals());
    }
  }

  @Test
  void policiesAreChecked() {
    assertThatThrownBy(() -> GuardPolicy.Action.parse("panic"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("expected one of off, frozen, hold, rollback, found 'panic'");
    assertThatThrownBy(() -> new GuardPolicy(GuardPolicy.Action.HOLD, 0, 64, 0, 0, 0.5, 3, 1, 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("guard: check-every: expected at least 1");
  }
}
