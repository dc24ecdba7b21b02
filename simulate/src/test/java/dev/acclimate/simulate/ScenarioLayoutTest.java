package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.arrivals.ArrivalTimes;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.scenarios.Scenario;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ScenarioLayoutTest {
  static final List<String> GALLERY = Scenario.GALLERY;
  private static final int SIZE = 100;
  private static final DataSpec DATA = new DataSpec.Builtin(SIZE);
  private static final ImageSet IMAGES = DATA.load();

  @TempDir private Path folder;

  private List<Segment> layout(String yaml) {
    try {
      Path file = Files.writeString(folder.resolve("mine.yaml"), yaml);
      return layout(Scenario.read(file.toString()), 1);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<Segment> layout(Scenario scenario, long seed) {
    return DomainStream.of(scenario, DomainKinds.of(DATA), Preprocessing.defaults(3), seed)
        .segments();
  }

  private static int[] samples(Segment segment) {
    return IntStream.range(0, segment.size()).map(segment::sample).toArray();
  }

  @Test
  void aSegmentIsTheSetOnceUnlessItSaysHowManySamples() {
    List<Segment> segments = layout("segments: [{}, {samples: 30}, {samples: 250}]");

    assertThat(samples(segments.get(0))).hasSize(SIZE).doesNotHaveDuplicates();
    assertThat(samples(segments.get(1))).hasSize(30).doesNotHaveDuplicates();
    int[] thrice = samples(segments.get(2));
    int[] first = Arrays.copyOfRange(thrice, 0, 100);
    int[] second = Arrays.copyOfRange(thrice, 100, 200);
    assertThat(thrice).hasSize(250);
    assertThat(first).doesNotHaveDuplicates();
    assertThat(second).doesNotHaveDuplicates().isNotEqualTo(first);
    assertThat(Arrays.copyOfRange(thrice, 200, 250)).doesNotHaveDuplicates();
  }

  @Test
  void aNameThatComesAgainIsTheSameTaskInAnotherOrder() {
    List<Segment> segments =
        layout("segments: [{name: a}, {name: b, domain: fog}, {name: a, reset: true}, {name: a}]");

    assertThat(segments).extracting(Segment::name).containsExactly("a", "b", "a (2)", "a (3)");
    assertThat(segments)
        .extracting(segment -> segment.domain(0).name())
        .containsExactly("a", "b", "a (2)", "a (3)");
    assertThat(segments)
        .extracting(segment -> segment.domain(0).task())
        .containsExactly(0, 1, 0, 0);
    assertThat(segments).extracting(Segment::resetBefore).containsExactly(true, false, true, false);
    assertThat(samples(segments.get(2))).isNotEqualTo(samples(segments.get(0)));
  }

  @Test
  void whatComesDoesNotHangOnTheSegmentsAround() {
    Segment alone = layout("segments: [{name: b, domain: fog}]").get(0);
    Segment among = layout("segments: [{name: a}, {name: b, domain: fog}]").get(1);

    assertThat(samples(among)).isEqualTo(samples(alone));
  }

  @Test
  void aRampRisesInEighthsOfASeverity() {
    Segment ramp = layout("segments: [{domain: fog, severity: 1..2}]").get(0);

    assertThat(ramp.domains()).hasSize(9);
    assertThat(ramp.domain(0)).isEqualTo(ramp.domains().get(0));
    assertThat(ramp.domain(SIZE - 1)).isEqualTo(ramp.domains().get(8));
    for (int i = 1; i < SIZE; i++) {
      int before = ramp.domains().indexOf(ramp.domain(i - 1));
      assertThat(ramp.domains().indexOf(ramp.domain(i))).isBetween(before, before + 1);
    }
    assertShows(ramp, 0, new Shift(Corruption.FOG, 1));
    assertShows(ramp, 4, new Shift(Corruption.FOG, 1.5));
    assertShows(ramp, 8, new Shift(Corruption.FOG, 2));
  }

  @Test
  void severitiesOfAChainMoveTogether() {
    Segment chain = layout("segments: [{domain: [fog, contrast], severity: [2..0, 0..1]}]").get(0);

    assertThat(chain.domains()).hasSize(17);
    assertShows(chain, 0, new Shift(Corruption.FOG, 2));
    assertShows(chain, 8, new Shift(Corruption.FOG, 1), new Shift(Corruption.CONTRAST, 0.5));
    assertShows(chain, 16, new Shift(Corruption.CONTRAST, 1));
  }

  private static void assertShows(Segment segment, int level, Shift... shifts) {
    float[] expected = new float[IMAGES.shape().size()];
    IMAGES.read(7, expected);
    Corrupter.of(List.of(shifts), IMAGES, 1).corrupt(7, expected);
    float[] found = new float[expected.length];
    segment.domains().get(level).images().read(7, found);

    assertThat(found).isEqualTo(expected);
  }

  @Test
  void aRampFromNothingStartsClean() {
    Segment ramp = layout("segments: [{domain: [fog, snow], severity: 0..1}]").get(0);

    assertThat(ramp.domain(0).clean()).isTrue();
    assertThat(ramp.domain(SIZE - 1).clean()).isFalse();
    assertThat(ramp.isClean()).isFalse();
  }

  @Test
  void classesComeByNumberOrName() {
    String name = IMAGES.classes().get(4);

    Segment some = layout("segments: [{classes: [2, " + name + "], samples: 60}]").get(0);

    assertThat(IntStream.range(0, 60).map(some::label).boxed().collect(Collectors.toSet()))
        .isEqualTo(Set.of(2, 4));
  }

  @Test
  void rareClassesDifferBetweenNamesAndReturnWithTheName() {
    List<Segment> segments =
        layout(
            """
            segments:
              - {name: early, imbalance: 100}
              - {name: late, imbalance: 100}
              - {name: early, imbalance: 100}
            """);
    List<Set<Integer>> came =
        segments.stream()
            .<Set<Integer>>map(
                segment -> new HashSet<>(Arrays.stream(samples(segment)).boxed().toList()))
            .toList();

    assertThat(came.get(2)).isEqualTo(came.get(0)).hasSizeLessThan(SIZE);
    assertThat(came.get(1)).isNotEqualTo(came.get(0));
  }

  @Test
  void batchesFollowTheirPattern() {
    List<Segment> segments =
        layout("segments: [{batch-sizes: [64, 8], samples: 90}, {samples: 90}]");

    assertThat(segments.get(0).batches(32)).containsExactly(64, 8, 18);
    assertThat(segments.get(1).batches(32)).containsExactly(32, 32, 26);
  }

  @Test
  void arrivalsAndGapsAreKept() {
    List<Segment> segments = layout("segments: [{samples: 5}, {samples: 5, gap: 3s, rate: 2}]");

    assertThat(segments)
        .extracting(Segment::arrivals)
        .containsExactly(
            new ArrivalTimes.Stretch(5, 0, null),
            new ArrivalTimes.Stretch(5, 3, new Arrivals.Uniform(2)));
  }

  @ParameterizedTest
  @FieldSource("GALLERY")
  void theGalleryIsLaidOutTheSameWithTheSameSeed(String name) {
    Scenario scenario = Scenario.read(name);

    List<Segment> one = layout(scenario, 3);
    List<Segment> same = layout(scenario, 3);
    List<Segment> other = layout(scenario, 4);

    assertThat(one.stream().mapToInt(Segment::size).sum()).isBetween(5000, 10_000);
    for (int i = 0; i < one.size(); i++) {
      assertThat(samples(same.get(i))).isEqualTo(samples(one.get(i)));
      assertThat(samples(other.get(i))).isNotEqualTo(samples(one.get(i)));
    }
  }

  @Test
  void saysWhichSegmentNamesWhatIsNotThere() {
    assertRefused("{domain: rain}", "rain: corruptions: expected any of none,");
    assertRefused("{domain: all}", "all: domain: expected the name of one, found \"all\"");
    assertRefused(
        "{name: a, classes: [10]}", "a: classes: expected numbers from 0 to 9 or names out of");
    assertRefused("{name: a, classes: [tree]}", "found \"tree\"");
  }

  private void assertRefused(String segment, String message) {
    assertThatThrownBy(() -> layout("segments: [" + segment + "]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("scenario mine: ")
        .hasMessageContaining(message);
  }
}
