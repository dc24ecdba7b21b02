package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.simulate.corruptions.Corruption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DomainHeadsTest {
  @Test
  void fewDomainsKeepTheirNames() {
    DomainHeads heads = DomainHeads.of(List.of("none", "gaussian_noise"));

    assertThat(heads).isEqualTo(new DomainHeads(List.of("none", "gaussian_noise"), ""));
  }

  @Test
  void manyAreShortenedAndALegendTellsWhatEachStandsFor() {
    List<String> names = Corruption.parseList("all").stream().map(Corruption::id).toList();

    DomainHeads heads = DomainHeads.of(names);

    assertThat(heads.heads()).doesNotHaveDuplicates().allMatch(head -> head.length() <= 6);
    assertThat(heads.legend()).contains("gauss. gaussian_noise", "zoom. zoom_blur");
    assertThat(heads.legend().lines()).allMatch(line -> line.length() <= 110);
    assertThat(heads.heads().get(names.indexOf("fog"))).isEqualTo("fog");
  }

  @Test
  void returnsAreNumberedAndWhatWouldLookAlikeToo() {
    List<String> returning =
        Stream.of("none", "fog", "snow", "none (2)", "fog (2)", "snow (2)").toList();
    assertThat(DomainHeads.of(returning).heads())
        .containsExactly("none", "fog", "snow", "none2", "fog2", "snow2");

    List<String> alike =
        List.of("gaussian_noise", "gaussian_blur", "none", "fog", "snow", "contrast");
    assertThat(DomainHeads.of(alike).heads())
        .containsExactly("(1)", "(2)", "(3)", "(4)", "(5)", "(6)");
    assertThat(DomainHeads.of(alike).legend()).startsWith("(1) gaussian_noise, (2) gaussian_blur");
  }
}
