package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataSpecTest {

  @Test
  void drawsAsManyImagesAsAskedFor() {
    assertThat(DataSpec.parse("builtin:7").load().size()).isEqualTo(7);
    assertThat(DataSpec.parse("builtin")).isEqualTo(new DataSpec.Builtin(10_000));
  }

  @Test
  void listsWhatIsKnown() {
    assertThatThrownBy(() -> DataSpec.parse("imagenet:/data"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("data: expected one of " + DataSpec.KNOWN + ", found \"imagenet:/data\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "builtin:",
        "builtin:0",
        "builtin:many",
        "builtin-series:0",
        "npz",
        "npz:",
        "cifar10:",
        "cifar10c",
        "cifar100:",
        ""
      })
  void refusesIncompleteSpecs(String spec) {
    assertThatThrownBy(() -> DataSpec.parse(spec))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected")
        .hasMessageContaining("\"" + spec + "\"");
  }

  @Test
  void plainSetsHoldNoDomainsOfTheirOwn() {
    DataSpec builtin = DataSpec.parse("builtin:7");

    assertThat(builtin.domains()).isEmpty();
    assertThatThrownBy(() -> builtin.loadDomain("fog", 5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("data: expected one of the set's own domains [], found \"fog\"");
  }
}
