package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.Verdict.Candidate;
import dev.acclimate.simulate.Verdict.Harm;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.LongFunction;
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

  /** Whether answers to each position are wrong. */
  private static MethodRun run(String method, IntPredicate wrong) {
    AnswerLog answers = new AnswerLog(LOG.size());
    for (int i = 0; i < LOG.size(); i++) {
      answers.add(Tensor.of(wrong.test(i) ? new float[] {0, 1} : new float[] {1, 0}, 1, 2));
    }
    return new MethodRun(method, method, 1, 0, 0, answers, null);
  }

  private static MethodRun run(String method, double errorRate, long seed) {
    SeededRandom random = SeededRandom.of(seed, method.hashCode());
    return run(method, i -> random.nextDouble() < errorRate);
  }

  private static Setting setting(String domains, long seed, MethodRun frozen, MethodRun... others) {
    List<MethodRun> runs = new ArrayList<>(List.of(others));
    runs.add(0, frozen);
    Trial trial = new Trial("as-is", domains, 64, seed, LOG, frozen, runs);
    return Setting.group(List.of(trial)).get(0);
  }

  private static Verdict verdict(long seed, MethodRun... others) {
    return Verdict.on(setting("single", seed, run("source", 0.3, seed), others));
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
    assertThat(verdict.text()).startsWith("Stay frozen: no method is sure to help");
    assertThat(verdict.settings()).isEqualTo("method: \"source\"\n");
    assertThat(verdict(1, run("tbn", 0.5, 1)).text())
        .startsWith("Stay frozen: every method loses on this stream, tbn the least");
  }

  @Test
  void tellsOfTheWorstStretchAndOfDomainsWhereTheBestMethodDoesHarm() {
    MethodRun frozen = run("source", i -> i % 10 < (i < N ? 1 : 5));
    // 10 points worse on clean images, most of all at their start, 30 better under the shift
    MethodRun method = run("tbn", i -> i % 10 < (i < 256 ? 4 : i < N ? 1 : 2));

    Verdict verdict = Verdict.on(setting("single", 0, frozen, method));

    Candidate best = verdict.candidates().get(0);
    assertThat(verdict.chosen()).isEqualTo("tbn");
    assertThat(best.risk()).isCloseTo(0.3, within(0.01));
    assertThat(best.riskAt()).isEqualTo("none");
    assertThat(best.cleanCost()).isCloseTo(0.075, within(0.005));
    MethodRun alwaysWorse = run("tbn", i -> i % 10 < 2);
    assertThat(Verdict.on(setting("single", 0, frozen, alwaysWorse)).candidates().get(0).harms())
        .extracting(Harm::where)
        .containsExactly("none");
    assertThat(Verdict.on(setting("single", 0, frozen, alwaysWorse)).text())
        .endsWith("It does harm in none (-10.1).");
  }

  @Test
  void overSeveralSettingsTheMeanGainCountsAndSettingsThatSufferAreNamed() {
    MethodRun frozen = run("source", i -> i % 10 < 3);
    Setting good = setting("single", 0, frozen, run("tbn", 0.05, 1), run("ema", 0.2, 1));
    Setting bad = setting("mixed", 0, frozen, run("tbn", 0.5, 2), run("ema", 0.2, 2));
    Map<Setting, Verdict> verdicts = new LinkedHashMap<>();
    verdicts.put(good, Verdict.on(good));
    verdicts.put(bad, Verdict.on(bad));

    Verdict verdict = Verdict.overall(verdicts);

    assertThat(verdict.chosen()).isEqualTo("ema");
    assertThat(verdict.text()).startsWith("Use ema: it gains +").contains("these 2 settings");
    Candidate tbn = verdict.candidates().get(1);
    assertThat(tbn.gain()).isCloseTo((0.3 - 0.05 + 0.3 - 0.5) / 2, within(0.02));
    assertThat(tbn.harms()).extracting(Harm::where).containsExactly("mixed, as-is, batch 64");
    assertThat(tbn.riskAt()).startsWith("mixed, as-is, batch 64, ");
  }

  /** How many of 300 intervals do not hold the gain of 0.05. */
  private static int missed(LongFunction<IntPredicate> wrong, LongFunction<IntPredicate> frozen) {
    int missed = 0;
    for (int seed = 0; seed < 300; seed++) {
      Setting setting =
          setting("single", seed, run("source", frozen.apply(seed)), run("tbn", wrong.apply(seed)));
      Candidate candidate = Verdict.on(setting).candidates().get(0);
      missed += candidate.low() > 0.05 || candidate.high() < 0.05 ? 1 : 0;
    }
    return missed;
  }

  @Test
  void noIntervalReachesBeyondWhatAGainCanBe() {
    Setting setting = setting("single", 0, run("source", i -> i < N), run("tbn", i -> i >= N));

    Candidate candidate = Verdict.on(setting).candidates().get(0);

    assertThat(candidate.low()).isGreaterThanOrEqualTo(-1);
    assertThat(candidate.high()).isLessThanOrEqualTo(1);
    Estimate wide = Estimate.of(0.5, 1, 3, 0.95).within(-1, 1);
    assertThat(wide).isEqualTo(new Estimate(0.5, -1, 1));
    Estimate none = Estimate.of(0.5, 1, 0, 0.95).within(-1, 1);
    assertThat(none.low()).as("too little to tell from").isEqualTo(Double.NEGATIVE_INFINITY);
  }

  // 5 % of 300 are 15, give or take 4

  @Test
  void theIntervalHoldsTheTrueGainAsOftenAsItSays() {
    assertThat(missed(seed -> independent(seed, 0.25), seed -> independent(seed + 1000, 0.3)))
        .isBetween(4, 28);
  }

  private static IntPredicate independent(long seed, double rate) {
    SeededRandom random = SeededRandom.of(seed);
    return i -> random.nextDouble() < rate;
  }

  @Test
  void itDoesSoWhereErrorsComeInBursts() {
    assertThat(missed(seed -> bursts(seed, 0.25), seed -> bursts(seed + 1000, 0.3)))
        .isBetween(4, 33);
  }

  /** Right or wrong for 16 samples on end. */
  private static IntPredicate bursts(long seed, double rate) {
    return i -> SeededRandom.of(seed, i / 16).nextDouble() < rate;
  }

  @Test
  void andWhereImagesAreHardInAllDomainsAlike() {
    assertThat(missed(seed -> images(seed, 0.25), seed -> images(seed + 1000, 0.3)))
        .isBetween(1, 28);
  }

  private static IntPredicate images(long seed, double rate) {
    return i -> SeededRandom.of(seed, LOG.sample(i)).nextDouble() < rate;
  }
}
