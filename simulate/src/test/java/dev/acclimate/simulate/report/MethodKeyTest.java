package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Methods must be told apart in a drawing, however alike they are. */
class MethodKeyTest {

  private static List<String> labels(String... methods) {
    return MethodKey.of(List.of(methods)).stream().map(MethodKey::label).toList();
  }

  @Test
  void aNameAloneIsEnoughWhereItIsTheOnlyOne() {
    assertThat(labels("source", "alpha-bn[source-weight=0.8]"))
        .containsExactly("source", "alpha-bn");
  }

  @Test
  void namesakesAreToldApartByWhatTheyDoNotShare() {
    assertThat(
            labels(
                "unmix-tns",
                "unmix-tns[init=calibrated;components=10;momentum=0.5]",
                "unmix-tns[components=10;momentum=0.5]",
                "unmix-tns[components=4;momentum=0.5]"))
        .containsExactly(
            "unmix-tns",
            "unmix-tns calibrated",
            "unmix-tns[components=10;momentum=0.5]",
            "unmix-tns components=4");
  }

  @Test
  void everyMethodHasAStyleOfItsOwnAndTheFrozenOneKeepsIts() {
    List<String> methods =
        IntStream.rangeClosed(0, 16)
            .mapToObj(i -> i == 3 ? "source" : "ema[momentum=0." + (10 + i) + "]")
            .toList();

    List<MethodKey> keys = MethodKey.of(methods);

    assertThat(keys).extracting(MethodKey::style).doesNotHaveDuplicates();
    assertThat(keys).extracting(MethodKey::label).doesNotHaveDuplicates();
    assertThat(keys.get(3).style()).isEqualTo("c0");
  }
}
