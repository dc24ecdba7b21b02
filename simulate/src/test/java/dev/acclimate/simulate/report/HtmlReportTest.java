package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.DomainKind;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.Simulation;
import dev.acclimate.simulate.SimulationOptions;
import dev.acclimate.simulate.SimulationProgress;
import dev.acclimate.simulate.SimulationReport;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.StreamProfile;
import dev.acclimate.simulate.Trial;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.orders.Order;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Reports of a small run, as text. */
class HtmlReportTest {
  private static final SessionSettings SESSION = new SessionSettings(ExecutionProvider.CPU, 1);
  private static Trial trial;
  private static StreamProfile profile;

  @BeforeAll
  static void simulate() {
    ImageSet images = BuiltinImages.test(48, 0);
    DomainStream stream =
        DomainStream.of(
            DomainKind.corrupted(images, List.of(Corruption.NONE, Corruption.CONTRAST), 0),
            BuiltinModel.preprocessing(),
            new StreamOptions(DomainSchedule.CONTINUAL, 5, Order.IID, 0));
    SimulationOptions options = new SimulationOptions(List.of("tbn", "alpha-bn"), SESSION, null);
    try (Simulation simulation =
        new Simulation(BuiltinModel.load(), BuiltinModel.preprocessing(), options, () -> images)) {
      trial = simulation.run(stream, "iid", "continual", 16, 0, SimulationProgress.NONE);
    }
    profile =
        StreamProfile.of(
            BuiltinModel.load(),
            BuiltinModel.preprocessing(),
            stream,
            SESSION,
            SimulationProgress.NONE);
  }

  private static String report(String model, Map<String, String> provenance, Trial... trials) {
    return HtmlReport.of(
        new SimulationReport(model, provenance, List.of(trials), List.of(), profile));
  }

  @Test
  void whatUsersWriteCannotBecomeMarkup() {
    String evil = "\"><script>alert('1')</script>&amp;";

    String page = report(evil, Map.of("command", evil, evil, evil), trial);

    assertThat(page).doesNotContain("<script>alert").contains("&lt;script&gt;alert");
    assertThat(Pattern.compile("<script").matcher(page).results().count()).isEqualTo(1);
  }

  @Test
  void refersToNothingOutsideAndCarriesNoStyleThatItsPolicyForbids() {
    String page = report("builtin", Map.of(), trial);

    assertThat(page)
        .doesNotContainPattern("(?:src|href)=\"(?!data:|#)")
        .doesNotContainPattern("<[^>]* (?:style|on\\w+)=")
        .doesNotContain("@import")
        .doesNotContain("url(");
    assertThat(page).contains("default-src 'none'").doesNotContain("unsafe-inline");
  }

  @Test
  void drawsTheFrozenModelEvenWhereItWasNotAskedFor() {
    String page = report("builtin", Map.of(), trial);

    assertThat(page).contains("class=\"line c0\" data-label=\"source\"");
    String drawn = page.substring(0, page.indexOf("<script")); // the script may speak of them
    assertThat(drawn).doesNotContain("NaN").doesNotContain("Infinity");
  }

  @Test
  void manySettingsAreSummedUpInFront() {
    Trial other = new Trial("iid", "continual", 8, 0, trial.log(), trial.frozen(), trial.runs());

    String page = report("builtin", Map.of(), trial, other);

    assertThat(page)
        .contains("All settings")
        .contains("href=\"#setting-1\"")
        .contains("continual, iid, batch 8");
    assertThat(report("builtin", Map.of(), trial)).doesNotContain("All settings");
  }
}
