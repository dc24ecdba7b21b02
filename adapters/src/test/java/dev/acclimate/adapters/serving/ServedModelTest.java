package dev.acclimate.adapters.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.TwoSiteModel;
import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.guard.GuardSignals;
import dev.acclimate.adapters.guard.Scores;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose answers go out in which mode, and what adapts meanwhile. */
class ServedModelTest {
  private static final int SAMPLES = 8;
  private static final int CLASSES = 5;
  private static final List<BatchShare> UNNAMED = List.of(BatchShare.unnamed(SAMPLES));

  private static AdaptiveModel open(String method) {
    AdaptedModel adapted = AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse(method));
    return AdaptiveModel.open(
        adapted, adapted.initialState(0, null), new SessionSettings(ExecutionProvider.CPU, 1));
  }

  private static ServedModel serve(Mode mode) {
    return ServedModel.of(
        open("ema"), "two-sites", "1", mode, GuardPolicy.NONE, ServingListener.NONE);
  }

  private static Tensor batch(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor batch = Tensor.allocate(ElementType.FP32, SAMPLES, 3, 6, 6);
    FloatBuffer values = batch.floats();
    while (values.hasRemaining()) {
      values.put((float) (2 * random.nextGaussian() + 1));
    }
    return batch;
  }

  private static float[] logits(Map<String, Tensor> outputs) {
    return outputs.get("logits").toFloatArray();
  }

  private static float[] run(ServedModel model, long seed) {
    try (Tensor batch = batch(seed)) {
      return logits(model.run(Map.of("image", batch), UNNAMED));
    }
  }

  private static float[] runAlone(AdaptiveModel model, long seed) {
    try (Tensor batch = batch(seed)) {
      return logits(model.run(Map.of("image", batch)).outputs());
    }
  }

  private static byte[] stateOf(ServedModel model) {
    try (AdaptationState state = model.state()) {
      return state.toBytes();
    }
  }

  @Test
  void offIsTheFrozenModelAndLearnsNothing() {
    try (ServedModel served = serve(Mode.OFF);
        AdaptiveModel frozen = open("source")) {
      float[] expected = runAlone(frozen, 1);

      assertThat(run(served, 1)).isEqualTo(expected);
      assertThat(served.step()).isZero();
    }
  }

  @Test
  void shadowAnswersFrozenAndLearnsAsIfItAnswered() {
    try (ServedModel served = serve(Mode.SHADOW);
        AdaptiveModel frozen = open("source");
        AdaptiveModel adaptive = open("ema")) {
      for (int step = 0; step < 3; step++) {
        float[] expected = runAlone(frozen, step);
        var unused = runAlone(adaptive, step);
        assertThat(run(served, step)).isEqualTo(expected);
      }
      try (AdaptationState alone = adaptive.state()) {
        assertThat(stateOf(served)).isEqualTo(alone.toBytes());
      }
    }
  }

  @Test
  void activeIsTheAdaptedModel() {
    try (ServedModel served = serve(Mode.ACTIVE);
        AdaptiveModel adaptive = open("ema")) {
      for (int step = 0; step < 3; step++) {
        float[] expected = runAlone(adaptive, step);
        assertThat(run(served, step)).isEqualTo(expected);
      }
    }
  }

  @Test
  void canaryAnswersAdaptedToItsStreamsAlone() {
    Mode half = Mode.canary(50);
    List<String> streams = IntStream.range(0, SAMPLES).mapToObj(i -> "camera-" + i).toList();
    assertThat(streams).anyMatch(half::answersAdapted).anyMatch(s -> !half.answersAdapted(s));
    try (ServedModel served = serve(half);
        ServedModel active = serve(Mode.ACTIVE);
        ServedModel off = serve(Mode.OFF);
        Tensor batch = batch(1)) {
      float[] adapted = run(active, 1);
      float[] frozen = run(off, 1);
      float[] expected = new float[SAMPLES * CLASSES];
      for (int i = 0; i < SAMPLES; i++) {
        float[] from = half.answersAdapted(streams.get(i)) ? adapted : frozen;
        System.arraycopy(from, i * CLASSES, expected, i * CLASSES, CLASSES);
      }

      Map<String, Tensor> outputs =
          served.run(
              Map.of("image", batch),
              streams.stream().map(stream -> new BatchShare(stream, 1, null)).toList());

      assertThat(logits(outputs)).isEqualTo(expected);
      assertThat(outputs).containsKeys("logits", "features");
      assertThat(stateOf(served)).isEqualTo(stateOf(active));
    }
  }

  @Test
  void aHigherPercentageKeepsTheStreamsOfALowerOne() {
    List<String> streams = IntStream.range(0, 10_000).mapToObj(i -> "device-" + i).toList();
    List<String> tenth = streams.stream().filter(Mode.canary(10)::answersAdapted).toList();

    assertThat(tenth.size() / 10_000.0).isCloseTo(0.1, within(0.01));
    assertThat(tenth).allMatch(Mode.canary(30)::answersAdapted);
    assertThat(streams).allMatch(Mode.canary(100)::answersAdapted);
    assertThat(streams).noneMatch(Mode.canary(0)::answersAdapted);
  }

  @Test
  void modeChangesBetweenTwoBatchesAndTheListenerIsTold() {
    List<BatchReport> reports = new ArrayList<>();
    List<String> switches = new ArrayList<>();
    ServingListener listener =
        new ServingListener() {
          @Override
          public void answered(BatchReport report) {
            reports.add(report);
          }

          @Override
          public void switched(Mode before, Mode now) {
            switches.add(before + " > " + now);
          }
        };
    try (ServedModel served =
        ServedModel.of(open("ema"), "m", "1", Mode.SHADOW, GuardPolicy.NONE, listener)) {
      float[] shadow = run(served, 1);
      served.setMode(Mode.ACTIVE);
      served.setMode(Mode.ACTIVE);
      float[] active = run(served, 1);

      assertThat(active).isNotEqualTo(shadow);
      assertThat(switches).containsExactly("shadow > active");
      assertThat(reports).extracting(BatchReport::adaptedAnswers).containsExactly(0, SAMPLES);
      assertThat(reports).extracting(BatchReport::step).containsExactly(1L, 2L);
      assertThat(reports.get(1).frozenNanos()).isZero();
    }
  }

  @Test
  void resetAndRestoreTakeTheStateBack() {
    try (ServedModel served = serve(Mode.ACTIVE)) {
      byte[] start = stateOf(served);
      float[] first = run(served, 1);
      try (AdaptationState kept = served.state()) {
        float[] second = run(served, 2);
        served.restore(kept);
        assertThat(run(served, 2)).isEqualTo(second);
      }
      served.reset();
      assertThat(stateOf(served)).isEqualTo(start);
      assertThat(run(served, 1)).isEqualTo(first);
    }
  }

  /** Runs two requests, of all samples but one and of one. */
  private static int[] answers(ServedModel served) {
    try (Tensor batch = batch(1)) {
      Map<String, Tensor> outputs =
          served.run(
              Map.of("image", batch),
              List.of(
                  new BatchShare("camera", SAMPLES - 1, "many"),
                  new BatchShare("camera", 1, "one")));
      return Scores.answers(outputs.get("logits"));
    }
  }

  @Test
  void labelsMeetTheAnswersOfTheirRequestOnce() {
    try (ServedModel served = serve(Mode.SHADOW)) {
      int[] answers = answers(served);
      long[] expected = IntStream.range(0, SAMPLES - 1).mapToLong(i -> answers[i]).toArray();
      expected[2] = (expected[2] + 1) % CLASSES;

      assertThat(served.label("many", expected)).hasValue(SAMPLES - 2);
      assertThat(served.label("one", answers[SAMPLES - 1])).hasValue(1);

      assertThat(served.accuracy().labels()).isEqualTo(SAMPLES);
      assertThat(served.accuracy().given()).isEqualTo((SAMPLES - 1.0) / SAMPLES);
      assertThat(served.accuracy().frozen()).isEqualTo((SAMPLES - 1.0) / SAMPLES);
      assertThat(served.accuracy().adapted()).isBetween(0.0, 1.0);
      assertThat(served.label("many", expected)).as("again").isEmpty();
      assertThat(served.label("other", 0)).isEmpty();
    }
  }

  @Test
  void labelsThatDoNotFitChangeNothing() {
    try (ServedModel served = serve(Mode.ACTIVE)) {
      int[] answers = answers(served);

      assertThatThrownBy(() -> served.label("one", 0, 1))
          .hasMessage("label: expected one for each of the request's 1 samples, found 2");
      assertThatThrownBy(() -> served.label("one", CLASSES))
          .hasMessage("label: expected classes from 0 to 4, found 5");
      assertThat(served.accuracy().labels()).isZero();
      assertThat(served.label("one", answers[SAMPLES - 1])).hasValue(1);
    }
  }

  @Test
  void theGuardHoldsTheStateAndAnswersFrozenWhereInputsStandStill() {
    List<GuardEvent> events = new ArrayList<>();
    ServingListener listener =
        new ServingListener() {
          @Override
          public void guarded(GuardEvent event) {
            events.add(event);
          }
        };
    try (ServedModel served =
            ServedModel.of(open("ema"), "m", "1", Mode.ACTIVE, GuardPolicy.DEFAULT, listener);
        ServedModel off = serve(Mode.OFF)) {
      var first = run(served, 1);
      byte[] before = stateOf(served);
      float[] stuck;
      try (Tensor batch = batch(2);
          Tensor frame = batch.first(1)) {
        for (int i = 1; i < SAMPLES; i++) {
          try (Tensor next = batch.slice(i, 1)) {
            next.set(frame);
          }
        }
        stuck = logits(served.run(Map.of("image", batch), UNNAMED));

        assertThat(stuck).isEqualTo(logits(off.run(Map.of("image", batch), UNNAMED)));
      }
      assertThat(first).hasSize(SAMPLES * CLASSES);
      assertThat(stateOf(served)).isEqualTo(before);
      assertThat(events)
          .extracting(GuardEvent::kind, GuardEvent::signal)
          .containsExactly(tuple(GuardEvent.Kind.HELD, GuardEvent.Signal.BLANK_INPUTS));
      assertThat(served.signals().map(GuardSignals::trusted)).contains(false);
    }
  }

  @Test
  void besideAnotherServerItsAnswersStandInForTheFrozenModels() {
    List<BatchReport> reports = new ArrayList<>();
    ServingListener listener =
        new ServingListener() {
          @Override
          public void answered(BatchReport report) {
            reports.add(report);
          }
        };
    try (ServedModel beside =
            ServedModel.of(open("ema"), "m", "1", Mode.SHADOW, GuardPolicy.DEFAULT, listener);
        ServedModel active = serve(Mode.ACTIVE);
        ServedModel off = serve(Mode.OFF)) {
      for (int step = 0; step < 3; step++) {
        float[] frozen = run(off, step);
        float[] adapted = run(active, step);
        try (Tensor batch = batch(step);
            Tensor answered = Tensor.of(frozen, SAMPLES, CLASSES)) {
          List<BatchShare> shares = List.of(new BatchShare("camera", SAMPLES, "id-" + step));
          assertThat(
                  logits(
                      beside.runBeside(Map.of("image", batch), shares, Map.of("logits", answered))))
              .isEqualTo(adapted);
          long[] expected =
              IntStream.of(Scores.answers(answered)).mapToLong(answer -> answer).toArray();
          assertThat(beside.label("id-" + step, expected)).hasValue(SAMPLES);
        }
      }
      assertThat(stateOf(beside)).isEqualTo(stateOf(active));
      assertThat(reports)
          .hasSize(3)
          .allSatisfy(
              report -> {
                assertThat(report.frozenNanos()).as("the frozen model is not asked").isZero();
                assertThat(report.adaptedAnswers()).isZero();
                assertThat(report.signals()).isNotNull();
              });
      assertThat(beside.accuracy().frozen()).isEqualTo(1);
    }
  }

  @Test
  void besideAnotherServerThatTellsNoScoresTheGuardAsksTheFrozenModel() {
    List<BatchReport> reports = new ArrayList<>();
    ServingListener listener =
        new ServingListener() {
          @Override
          public void answered(BatchReport report) {
            reports.add(report);
          }
        };
    try (ServedModel beside =
            ServedModel.of(open("ema"), "m", "1", Mode.SHADOW, GuardPolicy.DEFAULT, listener);
        Tensor batch = batch(1);
        Tensor fewer = Tensor.of(new float[SAMPLES], SAMPLES, 1)) {
      for (Map<String, Tensor> answered :
          List.of(Map.<String, Tensor>of(), Map.of("logits", fewer))) {
        var unused = beside.runBeside(Map.of("image", batch), UNNAMED, answered);
      }

      assertThat(reports).hasSize(2).allMatch(report -> report.frozenNanos() > 0);
      beside.setMode(Mode.OFF);
      assertThatThrownBy(() -> beside.runBeside(Map.of("image", batch), UNNAMED, Map.of()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("mode: expected one that adapts, found off");
    }
  }

  @Test
  void aGuardNeedsClassScores() {
    assertThatThrownBy(() -> Scores.output(List.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("guard.policy: expected off for a model without class scores");
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "shadow", "active", "canary:10%", "canary:0.5%", "canary:100%"})
  void modesAreReadAsTheyAreWritten(String text) {
    assertThat(Mode.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"on", "canary", "canary:101%", "canary:-1%", "canary:ten%", "canary:10"})
  void otherModesAreRefused(String text) {
    assertThatThrownBy(() -> Mode.parse(text))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("mode: expected");
  }
}
