package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.Verdict.Candidate;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Streams of one class, whose answers are drawn with known error rates. */
class VerdictTest {
  private static final int N = 1024;
  private static final ImageSet IMAGES =
      ImageSet.ofBytes(
          "pixels", new ImageShape(1, 1, 1), List.of("a", "b"), new byte[N][1], new int[N]);
  private static final StreamLog LOG =
      StreamLog.of(
          DomainStream.of(
              DomainKind.corrupted(IMAGES, List.of(Corruption.NONE, Corruption.BRIGHTNESS), 0),
              Preprocessing.defaults(1),
              new StreamOptions(DomainSchedule.SINGLE, 1, Order.AS_IS, 0)),
          64,
          false);

  private static MethodRun run(String method, double errorRate, long seed) {
    AnswerLog answers = new AnswerLog(LOG.size());
    SeededRandom random = SeededRandom.of(seed, method.hashCode());
    for (int i = 0; i < LOG.size(); i++) {
      boolean wrong = random.nextDouble() < errorRate;
      answers.add(Tensor.of(wrong ? new float[] {0, 1} : new float[] {1, 0}, 1, 2));
    }
    return new MethodRun(method, method, 1, 0, 0, answers);
  }

  private static Verdict verdict(long seed, MethodRun... others) {
    MethodRun frozen = run("source", 0.3, seed);
    List<MethodRun> runs = new ArrayList<>(List.of(others));
    runs.add(0, frozen);
    Trial trial = new Trial("as-is", "single", 64, seed, LOG, frozen, runs);
    return Verdict.on(Setting.group(List.of(trial)).get(0));
  }

  @Test
  void takesTheMethodThatHelpsAndTellsWhatTheAgentNeeds() {
    Verdict verdict = verdict(1, run("tbn", 0.4, 1), run("auto[components=4]", 0.2, 1));

    assertThat(verdict.chosen()).isEqualTo("auto[components=4]");
    assertThat(verdict.text()).startsWith("Use auto[components=4]: it gains +");
    assertThat(verdict.settings())
        .contains("method: \"auto[components=4]\"")
        .contains("acclimate calibrate MODEL --data SOURCE --components 4");
    assertThat(verdict.candidates().get(1).high()).isNegative();
  }

  @Test
  void staysFrozenWhereNothingIsSureToHelp() {
    Verdict verdict = verdict(1, run("tbn", 0.3, 1), run("alpha-bn", 0.35, 1));

    assertThat(verdict.chosen()).isEqualTo("source");
    assertThat(verdict.text()).startsWith("Stay frozen");
    assertThat(verdict.settings()).isEqualTo("method: \"source\"\n");
  }

  @Test
  void theIntervalHoldsTheTrueGainAboutAsOftenAsItSays() {
    int missed = 0;
    for (int seed = 0; seed < 200; seed++) {
      Candidate candidate = verdict(seed, run("tbn", 0.25, seed)).candidates().get(0);
      missed += candidate.low() > 0.05 || candidate.high() < 0.05 ? 1 : 0;
    }

    // 5 % of 200 are 10; blocks are few, so that intervals come out a little short
    assertThat(missed).isBetween(2, 28);
  }
}
