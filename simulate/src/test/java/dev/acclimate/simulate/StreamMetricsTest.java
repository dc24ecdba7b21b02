package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Streams of two classes, 400 samples a domain, whose answers are made up. */
class StreamMetricsTest {
  private static final int N = 400;
  private static final ImageSet IMAGES =
      ImageSet.ofBytes(
          "pixels", new ImageShape(1, 1, 1), List.of("a", "b"), new byte[N][1], labels());

  private static int[] labels() {
    int[] labels = new int[N];
    for (int i = 0; i < N; i++) {
      labels[i] = i % 2;
    }
    return labels;
  }

  private static StreamLog log(DomainSchedule schedule, Corruption... corruptions) {
    DomainStream stream =
        DomainStream.of(
            DomainKind.corrupted(IMAGES, List.of(corruptions), 0),
            Preprocessing.defaults(1),
            new StreamOptions(schedule, 1, Order.AS_IS, 0));
    return StreamLog.of(stream, 64, false);
  }

  /** Wrong where asked, always with these scores for the answer and for the other class. */
  private static AnswerLog answers(StreamLog log, IntPredicate wrong, float answer, float other) {
    AnswerLog answers = new AnswerLog(log.size());
    for (int i = 0; i < log.size(); i++) {
      boolean first = (log.label(i) == 0) != wrong.test(i);
      float[] scores = first ? new float[] {answer, other} : new float[] {other, answer};
      answers.add(Tensor.of(scores, 1, 2));
    }
    return answers;
  }

  private static AnswerLog wrong(StreamLog log, IntPredicate wrong) {
    return answers(log, wrong, 2, 0);
  }

  @Test
  void countsErrorsByDomain() {
    StreamLog log = log(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.BRIGHTNESS);
    StreamMetrics metrics = metrics(log, wrong(log, i -> i >= N && i % 4 == 0));

    assertThat(metrics.errors()).isEqualTo(100);
    assertThat(metrics.errorRate()).isEqualTo(0.125);
    assertThat(metrics.domains())
        .containsExactly(
            new StreamMetrics.DomainResult("none", N, 0),
            new StreamMetrics.DomainResult("brightness", N, 100));
  }

  private static StreamMetrics metrics(StreamLog log, AnswerLog answers) {
    return StreamMetrics.of(log, answers, wrong(log, i -> false));
  }

  @Test
  void findsTheWorstWindowAndWhereTheFrozenModelWasBetter() {
    StreamLog log = log(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.BRIGHTNESS);
    AnswerLog frozen = wrong(log, i -> i < 100);
    AnswerLog answers = wrong(log, i -> i < 100 || (i >= 500 && i < 540));

    StreamMetrics metrics = StreamMetrics.of(log, answers, frozen);

    assertThat(metrics.window()).isEqualTo(80);
    assertThat(metrics.worst()).isEqualTo(new StreamMetrics.Window(0, 1));
    assertThat(metrics.risk()).isEqualTo(new StreamMetrics.Window(460, 0.5));
    assertThat(metrics.disagreement()).isEqualTo(40.0 / 800);
    // a point every 4 samples; the 30th looks at samples 40 to 119
    assertThat(metrics.curve()).hasSize(200);
    assertThat(metrics.curve().get(29)).isEqualTo(60.0 / 80);
  }

  @Test
  void calibrationErrorIsHowFarConfidenceLiesFromAccuracy() {
    StreamLog log = log(DomainSchedule.SINGLE, Corruption.NONE);
    double confidence = 1 / (1 + Math.exp(-2));

    StreamMetrics metrics = metrics(log, wrong(log, i -> i % 2 == 0));

    assertThat(metrics.calibrationError()).isCloseTo(confidence - 0.5, within(1e-5));
    double entropy =
        -confidence * Math.log(confidence) - (1 - confidence) * Math.log(1 - confidence);
    assertThat(metrics.entropy()).isCloseTo(entropy, within(1e-5));
    // right as often as it is sure of: probabilities are taken as they are
    AnswerLog calibrated = answers(log, i -> i % 4 == 0, 0.75f, 0.25f);
    assertThat(metrics(log, calibrated).calibrationError()).isCloseTo(0, within(1e-6));
  }

  @Test
  void recoveryIsHowLongErrorsStayAboveTheirLaterLevel() {
    StreamLog log = log(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.BRIGHTNESS);

    // the first window of 64 with at most 3 errors begins at the 98th sample
    StreamMetrics slow = metrics(log, wrong(log, i -> i >= N && i < N + 100));
    assertThat(slow.recoveries()).containsExactly(new StreamMetrics.Recovery("brightness", N, 97));
    assertThat(slow.recovery()).isEqualTo(97);
    assertThat(metrics(log, wrong(log, i -> false)).recovery()).isZero();
    StreamLog reset = log(DomainSchedule.SINGLE, Corruption.NONE, Corruption.BRIGHTNESS);
    assertThat(metrics(reset, wrong(reset, i -> false)).recovery()).isNaN();
  }

  @Test
  void forgettingComparesAReturnWithTheFirstVisit() {
    StreamLog log =
        log(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.BRIGHTNESS, Corruption.NONE);

    StreamMetrics metrics = metrics(log, wrong(log, i -> i < 40 || i >= 2 * N + 300));

    assertThat(metrics.forgetting()).isCloseTo(0.25 - 0.1, within(1e-12));
    assertThat(metrics(log(DomainSchedule.SINGLE, Corruption.NONE)).forgetting()).isNaN();
  }

  @Test
  void whatLiesBehindAResetIsNoReturn() {
    StreamLog log =
        log(DomainSchedule.SINGLE, Corruption.NONE, Corruption.BRIGHTNESS, Corruption.NONE);

    assertThat(metrics(log, wrong(log, i -> i < 40)).forgetting()).isNaN();
  }

  @Test
  void noWindowReachesOverAReset() {
    StreamLog reset = log(DomainSchedule.SINGLE, Corruption.NONE, Corruption.BRIGHTNESS);
    StreamLog through = log(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.BRIGHTNESS);
    IntPredicate around = i -> i >= N - 40 && i < N + 40;

    // 80 errors in a row fill a window of 80, but for the reset in their middle
    assertThat(metrics(through, wrong(through, around)).worst())
        .isEqualTo(new StreamMetrics.Window(N - 40, 1));
    assertThat(metrics(reset, wrong(reset, around)).worst().rate()).isEqualTo(0.5);
    StreamMetrics metrics = metrics(reset, wrong(reset, i -> i < N));
    assertThat(metrics.curve().get(N / metrics.curveStep() - 1)).isEqualTo(1);
    assertThat(metrics.curve().get(N / metrics.curveStep())).isZero();
  }

  @Test
  void agreesWithAPlainReadingOfTheDefinitions() {
    StreamLog log =
        log(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.BRIGHTNESS, Corruption.FOG);
    for (int seed = 0; seed < 20; seed++) {
      SeededRandom random = SeededRandom.of(seed);
      boolean[] wrong = new boolean[log.size()];
      boolean[] frozenWrong = new boolean[log.size()];
      for (int i = 0; i < wrong.length; i++) {
        wrong[i] = random.nextDouble() < (i % 300) / 300.0;
        frozenWrong[i] = random.nextDouble() < 0.4;
      }
      AnswerLog answers = wrong(log, i -> wrong[i]);
      AnswerLog frozen = wrong(log, i -> frozenWrong[i]);

      StreamMetrics metrics = StreamMetrics.of(log, answers, frozen);

      int window = metrics.window();
      double worst = 0;
      double risk = -1;
      for (int from = 0; from + window <= log.size(); from++) {
        worst = Math.max(worst, part(wrong, from, from + window));
        risk =
            Math.max(
                risk, part(wrong, from, from + window) - part(frozenWrong, from, from + window));
      }
      assertThat(metrics.worst().rate()).isCloseTo(worst, within(1e-12));
      assertThat(metrics.risk().rate()).isCloseTo(risk, within(1e-12));
      assertThat(part(wrong, metrics.worst().from(), metrics.worst().from() + window))
          .isCloseTo(worst, within(1e-12));
      for (int point = 0; point < metrics.curve().size(); point++) {
        int end = (point + 1) * metrics.curveStep();
        assertThat(metrics.curve().get(point))
            .isCloseTo(part(wrong, Math.max(0, end - metrics.curveWindow()), end), within(1e-12));
      }
    }
  }

  private static double part(boolean[] wrong, int from, int to) {
    return IntStream.range(from, to).filter(i -> wrong[i]).count() / (double) (to - from);
  }

  private static StreamMetrics metrics(StreamLog log) {
    return metrics(log, wrong(log, i -> false));
  }
}
