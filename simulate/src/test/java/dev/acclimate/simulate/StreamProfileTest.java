package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.orders.Order;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StreamProfileTest {
  private static final int N = 64;
  private static final ImageSet IMAGES = BuiltinImages.test(N, 0);
  private static final SessionSettings SESSION = new SessionSettings(ExecutionProvider.CPU, 1);

  private static StreamProfile profile(DomainSchedule schedule) {
    DomainStream stream =
        DomainStream.of(
            DomainKind.corrupted(IMAGES, List.of(Corruption.NONE, Corruption.CONTRAST), 0),
            BuiltinModel.preprocessing(),
            new StreamOptions(schedule, 5, Order.DIRICHLET, 0));
    return StreamProfile.of(
        BuiltinModel.load(),
        BuiltinModel.preprocessing(),
        stream,
        SESSION,
        SimulationProgress.NONE);
  }

  @ParameterizedTest
  @EnumSource(
      value = DomainSchedule.class,
      names = {"SINGLE", "CONTINUAL", "MIXED", "GRADUAL", "RECURRING"})
  void everyDomainOnceAndCorruptedOnesFurtherFromTheSourceAtEverySite(DomainSchedule schedule) {
    StreamProfile profile = profile(schedule);

    assertThat(profile.sites()).hasSize(9).doesNotHaveDuplicates();
    assertThat(profile.domains())
        .extracting(DomainProfile::domain)
        .containsExactlyInAnyOrder("none", "contrast");
    List<Double> clean = shifts(profile, "none");
    List<Double> contrast = shifts(profile, "contrast");
    for (int site = 0; site < 9; site++) {
      assertThat(clean.get(site)).isBetween(0.0, 0.25);
      assertThat(contrast.get(site)).isGreaterThan(clean.get(site));
    }
  }

  private static List<Double> shifts(StreamProfile profile, String domain) {
    return domain(profile, domain).shifts();
  }

  private static DomainProfile domain(StreamProfile profile, String domain) {
    return profile.domains().stream()
        .filter(one -> one.domain().equals(domain))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void showsTheSameImagesInEveryDomain() {
    StreamProfile profile = profile(DomainSchedule.CONTINUAL);
    List<float[]> clean = domain(profile, "none").samples();
    List<float[]> contrast = domain(profile, "contrast").samples();

    assertThat(clean).hasSameSizeAs(contrast).hasSize(8);
    float[] expected = new float[IMAGES.shape().size()];
    for (int i = 0; i < clean.size(); i++) {
      IMAGES.read(i * N / 8, expected);
      assertThat(clean.get(i)).containsExactly(expected);
      // contrast squeezes each image about its own mean
      assertThat(mean(contrast.get(i))).isCloseTo(mean(expected), within(0.02));
      assertThat(contrast.get(i)).isNotEqualTo(expected);
    }
  }

  private static double mean(float... values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  @Test
  void theSameStreamGivesTheSameProfile() {
    assertThat(profile(DomainSchedule.MIXED).domains())
        .extracting(DomainProfile::shifts)
        .isEqualTo(
            profile(DomainSchedule.MIXED).domains().stream().map(DomainProfile::shifts).toList());
  }
}
