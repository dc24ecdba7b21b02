package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SweepTest {
  private static final Sweep COMPONENTS = Sweep.parse("unmix-tns.components=4,16");
  private static final Sweep MOMENTUM = Sweep.parse("unmix-tns.momentum=0.1,0.5");

  @Test
  void variesEachMethodOfItsNameAndKeepsOtherOptions() {
    assertThat(
            Sweep.expand(
                List.of("source", "unmix-tns", "unmix-tns[components=8;momentum=0.3]", "ema"),
                List.of(COMPONENTS)))
        .containsExactly(
            "source",
            "unmix-tns[components=4]",
            "unmix-tns[components=16]",
            "unmix-tns[components=4;momentum=0.3]",
            "unmix-tns[components=16;momentum=0.3]",
            "ema");
    assertThat(Sweep.expand(List.of("source", "ema"), List.of())).containsExactly("source", "ema");
  }

  @Test
  void twoSweepsOfAMethodGiveEveryCombinationAndALineForEachSettingOfTheOther() {
    List<String> methods = Sweep.expand(List.of("tbn", "unmix-tns"), List.of(COMPONENTS, MOMENTUM));

    assertThat(methods).hasSize(5);
    assertThat(COMPONENTS.lines(methods))
        .containsExactly(
            List.of(
                "unmix-tns[components=4;momentum=0.1]", "unmix-tns[components=16;momentum=0.1]"),
            List.of(
                "unmix-tns[components=4;momentum=0.5]", "unmix-tns[components=16;momentum=0.5]"));
    assertThat(MOMENTUM.lines(methods)).hasSize(2);
  }

  @Test
  void noMethodComesTwice() {
    assertThat(
            Sweep.expand(
                List.of("unmix-tns[components=8]", "unmix-tns[components=9]"), List.of(COMPONENTS)))
        .containsExactly("unmix-tns[components=4]", "unmix-tns[components=16]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "components=4 | sweep: expected METHOD.OPTION=VALUE,VALUE",
        "unmix-tns.components | sweep: expected METHOD.OPTION=VALUE,VALUE",
        "unmix-tns.components= | sweep: expected METHOD.OPTION=VALUE,VALUE",
        "unmix-tns.=4 | sweep: expected METHOD.OPTION=VALUE,VALUE",
        "unmix.components=4 | unknown method 'unmix'",
        "unmix-tns.components=4,4 | sweep unmix-tns.components: expected different values",
        "unmix-tns.parts=4 | unknown option 'parts'",
        "unmix-tns.components=4,many | option 'components': expected a whole number",
        "unmix-tns.components=4, | expected option=value, found 'components='",
        "ema.momentum=0.1 | sweep ema.momentum: expected ema among the methods, found unmix-tns"
      })
  void refusesWhatIsNoSweep(String text, String message) {
    assertThatThrownBy(() -> Sweep.expand(List.of("unmix-tns"), List.of(Sweep.parse(text))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message);
  }
}
