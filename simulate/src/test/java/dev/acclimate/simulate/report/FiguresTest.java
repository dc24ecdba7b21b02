package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void pointsHaveASignAndNoNegativeZero() {
    assertThat(Figures.points(0.0834)).isEqualTo("+8.3");
    assertThat(Figures.points(-0.0834)).isEqualTo("−8.3");
    assertThat(Figures.points(-0.0001)).isEqualTo("+0.0");
    assertThat(Figures.points(Double.NaN)).isEqualTo("–");
  }

  @Test
  void sizesHaveAUnit() {
    assertThat(Figures.bytes(0)).isEqualTo("0 B");
    assertThat(Figures.bytes(43_008)).isEqualTo("42.0 KiB");
    assertThat(Figures.bytes(3 << 20)).isEqualTo("3.0 MiB");
  }

  @Test
  void thousandsStandApart() {
    assertThat(Figures.whole(12_345.4)).isEqualTo("12,345");
    assertThat(Figures.whole(Double.NaN)).isEqualTo("–");
  }
}
