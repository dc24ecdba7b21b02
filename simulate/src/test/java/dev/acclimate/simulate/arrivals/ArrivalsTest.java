package dev.acclimate.simulate.arrivals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArrivalsTest {

  @TempDir private Path folder;

  @Property(tries = 30)
  void comeAtTheirMeanRate(
      @ForAll @DoubleRange(min = 0.01, max = 10_000) double rate,
      @ForAll @DoubleRange(min = 1, max = 20) double ratio,
      @ForAll long seed) {
    // ten arrivals a burst: over ten thousand of them, whose share varies by 1 % of the rate at
    // most
    double dwell = 10 / rate;
    List<Arrivals> processes =
        List.of(
            new Arrivals.Uniform(rate),
            new Arrivals.Poisson(rate),
            new BurstyArrivals(rate, ratio, dwell, 3 * dwell));
    for (Arrivals process : processes) {
      int count = 400_000;
      double end = DoubleStream.generate(process.waits(seed)).limit(count).sum();

      assertThat(count / end / rate).as(process.toString()).isCloseTo(1, within(0.08));
    }
  }

  @Property(tries = 30)
  void theSeedDecides(@ForAll long seed) {
    for (Arrivals process : List.of(new Arrivals.Poisson(5), new BurstyArrivals(5, 10, 1, 4))) {
      assertThat(first(process.waits(seed))).isEqualTo(first(process.waits(seed)));
      assertThat(first(process.waits(seed))).isNotEqualTo(first(process.waits(seed + 1)));
    }
  }

  private static double[] first(DoubleSupplier waits) {
    return DoubleStream.generate(waits).limit(100).toArray();
  }

  @Test
  void countsAreDispersedAsTheProcessSays() {
    double rate = 100;
    double window = 5;

    assertThat(dispersion(new Arrivals.Uniform(rate), window)).isLessThan(0.01);
    assertThat(dispersion(new Arrivals.Poisson(rate), window)).isCloseTo(1, within(0.1));
    // a single rate is no burst
    assertThat(dispersion(new BurstyArrivals(rate, 1, 1, 4), window)).isCloseTo(1, within(0.1));
    BurstyArrivals bursty = new BurstyArrivals(rate, 10, 1, 4);
    double expected = expectedDispersion(bursty, window);
    assertThat(expected).isGreaterThan(100);
    assertThat(dispersion(bursty, window)).isCloseTo(expected, within(0.15 * expected));
  }

  /** Variance over mean of the arrivals in a window. */
  private static double dispersion(Arrivals process, double window) {
    DoubleSupplier waits = process.waits(4);
    int windows = 6000;
    double[] counts = new double[windows];
    double time = waits.getAsDouble();
    while (time < windows * window) {
      counts[(int) (time / window)]++;
      time += waits.getAsDouble();
    }
    double mean = DoubleStream.of(counts).average().orElseThrow();
    double variance =
        DoubleStream.of(counts).map(c -> (c - mean) * (c - mean)).sum() / (windows - 1);
    return variance / mean;
  }

  /** Of a two-state process (Fischer and Meier-Hellstern 1993, section 2). */
  private static double expectedDispersion(BurstyArrivals process, double window) {
    double low = process.calmRate();
    double high = process.ratio() * low;
    double leave = 1 / process.burst();
    double enter = 1 / process.calm();
    double sum = leave + enter;
    double limit =
        2
            * leave
            * enter
            * (high - low)
            * (high - low)
            / (sum * sum * (high * enter + low * leave));
    return 1 + limit * (1 - (1 - Math.exp(-sum * window)) / (sum * window));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bursty | 10 | 1 | 4",
        "bursty[ratio=3] | 3 | 1 | 4",
        "bursty[calm=0.5; burst = 2;ratio=20] | 20 | 2 | 0.5"
      })
  void readsBursts(String text, double ratio, double burst, double calm) {
    assertThat(Arrivals.parse(text, OptionalDouble.of(7)))
        .isEqualTo(new BurstyArrivals(7, ratio, burst, calm));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "steady | 1 | arrivals: expected one of uniform, poisson, bursty, bursty[ratio=10.0;burst=1.0;calm=4.0], trace:FILE, found \"steady\"",
        "poisson | 0 | rate: expected a number above 0, found 0.0",
        "uniform | -1 | rate: expected a number above 0, found -1.0",
        "poisson |  | rate: expected samples a second, found nothing",
        "bursty[ratio=0.5] | 1 | arrivals: ratio: expected a number from 1 on, found 0.5",
        "bursty[burst=0] | 1 | arrivals: burst: expected a number above 0, found 0.0",
        "bursty[calm=NaN] | 1 | arrivals: calm: expected a number above 0, found NaN",
        "bursty[length=1] | 1 | arrivals: expected options of bursty[ratio=10.0;burst=1.0;calm=4.0], found \"bursty[length=1]\"",
        "bursty[ratio] | 1 | found \"bursty[ratio]\"",
        "bursty[ratio=2 | 1 | found \"bursty[ratio=2\"",
        "bursty[] | 1 | found \"bursty[]\"",
        "trace:none | 1 | rate: expected none with a trace, whose timestamps tell it, found 1.0",
        "trace:none |  | none: no such file"
      })
  void refusesWhatIsNoProcess(String text, Double rate, String message) {
    OptionalDouble given = rate == null ? OptionalDouble.empty() : OptionalDouble.of(rate);

    assertThatThrownBy(() -> Arrivals.parse(text, given))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message);
  }

  private Path trace(String text) throws IOException {
    return Files.writeString(folder.resolve("trace.txt"), text);
  }

  private double[] waits(String text, int count) throws IOException {
    Arrivals trace = Arrivals.parse("trace:" + trace(text), OptionalDouble.empty());
    return DoubleStream.generate(trace.waits(1)).limit(count).toArray();
  }

  @Test
  void aTraceIsFollowedAndStartsAgainAfterItsMeanWait() throws IOException {
    assertThat(waits("1700000000.25\n1700000000.5\n\n1700000000.5\n1700000001.75\n", 8))
        .containsExactly(0, 0.25, 0, 1.25, 0.5, 0.25, 0, 1.25);
  }

  @Test
  void aTraceMayTellDatesAndTimes() throws IOException {
    String text =
        """
        2024-05-01T12:00:00Z
        2024-05-01T14:00:00.000000250+02:00
        2024-05-01T12:00:02
        """;

    assertThat(waits(text, 3)).containsExactly(0, 250e-9, 2 - 250e-9);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1\\n2\\n1.5 | line 3: expected no time before that of the line above, found \"1.5\"",
        "1\\n\\nnoon | line 3: expected seconds, or a time such as 2024-05-01T12:00:00.5Z, found \"noon\"",
        "1\\nNaN | line 2: expected seconds",
        "1\\n1e999999999 | line 2: expected seconds",
        "1\\n1e-999999999 | line 2: expected seconds",
        "1\\n9999999999 | line 2: expected seconds",
        "1\\n9999-12-31T00:00:00Z | line 2: expected seconds",
        "1\\n | expected at least two timestamps, a line each, found 1"
      })
  void refusesATraceByItsLine(String text, String message) throws IOException {
    Path file = trace(text.replace("\\n", "\n"));

    assertThatThrownBy(() -> TraceArrivals.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(file + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void refusesATraceThatIsNoText() throws IOException {
    Path file = folder.resolve("binary");
    Files.write(file, "ÿ".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> TraceArrivals.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("cannot be read as text");
  }

  @Test
  void timesAddUpOverGapsAndStretchesOfTheirOwn() {
    Arrivals tenth = new Arrivals.Uniform(10);
    ArrivalTimes times =
        new ArrivalTimes(
            List.of(
                new ArrivalTimes.Stretch(2, 0, null),
                new ArrivalTimes.Stretch(0, 1, null),
                new ArrivalTimes.Stretch(2, 5, tenth),
                new ArrivalTimes.Stretch(1, 0, null)),
            new Arrivals.Uniform(2),
            1);

    assertThat(LongStream.generate(times).limit(6).map(nanos -> nanos / 1_000_000))
        .containsExactly(500L, 1000L, 7100L, 7200L, 7700L, 7700L);
  }

  @Test
  void aUniformStreamDoesNotDrift() {
    ArrivalTimes times =
        new ArrivalTimes(
            List.of(new ArrivalTimes.Stretch(3_000_000, 0, null)), new Arrivals.Uniform(30_000), 1);

    long last = LongStream.generate(times).limit(3_000_000).max().orElseThrow();

    assertThat(last).isCloseTo(100_000_000_000L, within(1000L));
  }

  @Test
  void withoutAProcessAllArriveAtOnce() {
    ArrivalTimes times = new ArrivalTimes(List.of(new ArrivalTimes.Stretch(3, 0, null)), null, 1);

    assertThat(LongStream.generate(times).limit(3)).containsExactly(0L, 0L, 0L);
  }
}
