package dev.acclimate.simulate.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.arrivals.BurstyArrivals;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

class ScenarioTest {
  static final List<String> GALLERY = Scenario.GALLERY;

  @TempDir private Path folder;

  private static Scenario parse(String yaml) {
    return Scenario.parse("mine", "mine.yaml", yaml.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void readsEveryKey() {
    Scenario scenario =
        parse(
            """
            description: all of it
            segments:
              - name: dusk
                domain: [fog, snow]
                severity: [0..4, 2.5]
                order: markov
                delta: 0.5
                stay: 0.9
                imbalance: 10
                classes: [0, truck]
                stuck: true
                samples: 2000
                batch-sizes: [64, 8]
                reset: true
                gap: 90s
                arrivals: bursty[ratio=3]
                rate: 50
            """);

    assertThat(scenario.name()).isEqualTo("mine");
    assertThat(scenario.description()).isEqualTo("all of it");
    assertThat(scenario.segments())
        .containsExactly(
            new ScenarioSegment(
                "dusk",
                List.of("fog", "snow"),
                List.of(new Ramp(0, 4), new Ramp(2.5, 2.5)),
                new SampleOrder(Order.MARKOV, 0.5, 0.9, 10),
                List.of("0", "truck"),
                true,
                2000,
                List.of(64, 8),
                true,
                90,
                new BurstyArrivals(50, 3, 1, 4)));
  }

  @Test
  void everyKeyHasADefault() {
    assertThat(parse("segments: [{domain: fog}, {rate: 5}]").segments())
        .containsExactly(
            new ScenarioSegment(
                "fog",
                List.of("fog"),
                List.of(new Ramp(5, 5)),
                SampleOrder.of(Order.DIRICHLET),
                List.of(),
                false,
                null,
                List.of(),
                false,
                0,
                null),
            new ScenarioSegment(
                "none",
                List.of("none"),
                List.of(new Ramp(5, 5)),
                SampleOrder.of(Order.DIRICHLET),
                List.of(),
                false,
                null,
                List.of(),
                false,
                0,
                new Arrivals.Uniform(5)));
  }

  @Test
  void oneSeverityIsForAllOfAChain() {
    assertThat(parse("segments: [{domain: [fog, snow], severity: 1..3}]").segments().get(0))
        .satisfies(
            segment -> {
              assertThat(segment.name()).isEqualTo("fog+snow");
              assertThat(segment.severities()).containsExactly(new Ramp(1, 3), new Ramp(1, 3));
            });
  }

  @Test
  void segmentsAndTheWholeMayRepeat() {
    assertThat(parse("{repeat: 2, segments: [{name: a, repeat: 3}, {name: b}]}").segments())
        .extracting(ScenarioSegment::name)
        .containsExactly("a", "a", "a", "b", "a", "a", "a", "b");
  }

  @ParameterizedTest
  @FieldSource("GALLERY")
  void theGalleryIsThereToReadAndToCopy(String name) throws IOException {
    Scenario scenario = Scenario.read(name);
    Path copy = Files.writeString(folder.resolve("copy.yaml"), Scenario.yaml(name));

    assertThat(scenario.name()).isEqualTo(name);
    assertThat(scenario.description()).isNotBlank();
    assertThat(scenario.segments()).hasSizeGreaterThan(2);
    assertThat(Scenario.read(copy.toString()).name()).isEqualTo("copy");
    assertThat(Scenario.read(copy.toString()).segments()).isEqualTo(scenario.segments());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[] | mine.yaml: expected keys and values, found a list",
        "'segments: ' | mine.yaml: segments: expected a list, found nothing",
        "segments: fog | mine.yaml: segments: expected a list of mappings, found 'fog'",
        "segments: [] | mine.yaml: segments: expected a list of mappings, found an empty list",
        "segments: [fog] | mine.yaml: segment 1: expected keys and values, found 'fog'",
        "{segments: [{}], speed: 3} | mine.yaml: speed: expected one of the keys [description, repeat, segments], found an unknown key",
        "segments: [{}, {severty: 3}] | mine.yaml: segment 2: severty: expected one of the keys",
        "segments: [{domain: {fog: 3}}] | mine.yaml: segment 1: domain: expected the name of a domain, or a list of them, found keys and values",
        "segments: [{domain: [none, fog]}] | mine.yaml: segment 1: domain: expected none by itself, found [none, fog]",
        "segments: [{domain: fog, severity: 6}] | mine.yaml: segment 1: severity: expected numbers from 0 to 5 or ramps such as 0..5, found '6'",
        "segments: [{domain: fog, severity: 1..x}] | mine.yaml: segment 1: severity: expected numbers from 0 to 5 or ramps such as 0..5, found '1..x'",
        "segments: [{domain: fog, severity: 1...3}] | mine.yaml: segment 1: severity: expected numbers from 0 to 5 or ramps such as 0..5, found '1...3'",
        "segments: [{name: \"a\\nb\"}] | mine.yaml: segment 1: name: expected one line of text, found 'a b'",
        "segments: [{name: fog (2)}] | mine.yaml: segment 1: name: expected no number in brackets at its end: reports count visits so, found 'fog (2)'",
        "segments: [{domain: fog, severity: []}] | mine.yaml: segment 1: severity: expected numbers from 0 to 5 or ramps such as 0..5, found an empty list",
        "segments: [{domain: fog, severity: [1, 2]}] | mine.yaml: segment 1: severity: expected one, or one a domain (1), found 2",
        "segments: [{severity: 3}] | mine.yaml: segment 1: severity: expected a domain that it is of, found none",
        "segments: [{order: random}] | mine.yaml: segment 1: order: expected one of iid, dirichlet, markov, sorted, as-is, found \"random\"",
        "segments: [{delta: 0}] | mine.yaml: segment 1: delta: expected a number above 0, found 0.0",
        "segments: [{stay: often}] | mine.yaml: segment 1: stay: expected a number, found 'often'",
        "segments: [{stay: 2}] | mine.yaml: segment 1: stay: expected a probability, 0 to 1, found 2.0",
        "segments: [{imbalance: 0.5}] | mine.yaml: segment 1: imbalance: expected a number of at least 1, found 0.5",
        "segments: [{samples: 0}] | mine.yaml: segment 1: samples: expected a whole number from 1 to 10000000, found '0'",
        "segments: [{samples: 1.5}] | mine.yaml: segment 1: samples: expected a whole number",
        "segments: [{batch-sizes: [8, 0]}] | mine.yaml: segment 1: batch-sizes: expected whole numbers from 1 to 4096, found '0'",
        "segments: [{classes: [[1]]}] | mine.yaml: segment 1: classes: expected numbers or names of classes, found a list",
        "segments: [{reset: 2}] | mine.yaml: segment 1: reset: expected true or false, found '2'",
        "segments: [{gap: 5}] | mine.yaml: segment 1: gap: expected a time such as 50ms, up to 86400 s, found '5'",
        "segments: [{arrivals: poisson}] | mine.yaml: segment 1: rate: expected samples a second, found nothing",
        "segments: [{arrivals: steady, rate: 5}] | mine.yaml: segment 1: arrivals: expected one of uniform",
        "segments: [{rate: 0}] | mine.yaml: segment 1: rate: expected a number above 0, found 0.0",
        "segments: [{repeat: 1001}] | mine.yaml: segment 1: repeat: expected a whole number from 1 to 1000, found '1001'",
        "{repeat: 1000, segments: [{repeat: 1000}]} | mine.yaml: repeat: expected at most 10000 segments in all, found 1000000",
        "segments: [{name: a, name: b}] | mine.yaml: expected YAML, found an error in line 1"
      })
  void saysWhatIsWrongAndWhere(String yaml, String message) {
    assertThatThrownBy(() -> parse(yaml))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(message)
        .message()
        .hasLineCount(1);
  }

  @Test
  void listsTheGalleryWhereThereIsNoSuchScenario() {
    for (String name : List.of("day-breaks", folder.toString())) {
      assertThatThrownBy(() -> Scenario.read(name))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(
              "scenario: expected a file, or one of night-falls, camera-replaced,"
                  + " factory-shift-change, seasonal, breakdowns, found \""
                  + name
                  + "\"");
    }
  }
}
