package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageFiles;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.scenarios.Scenario;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DomainKindsTest {
  private static final int IMAGE = 3 * 32 * 32;

  /** Images of each severity. */
  private static final int BLOCK = 4;

  @TempDir private Path folder;
  private DomainKinds own;

  /** Two domains of the data's own and nothing clean: all pixels of an image tell its severity. */
  @BeforeEach
  void writeShiftedSet() throws IOException {
    own = DomainKinds.of(DataSpec.parse("cifar10c:" + Files.createDirectory(folder.resolve("c"))));
    for (String name : List.of("fog", "sand_storm")) {
      byte[] images = new byte[5 * BLOCK * IMAGE];
      for (int i = 0; i < 5 * BLOCK; i++) {
        Arrays.fill(images, i * IMAGE, (i + 1) * IMAGE, (byte) (i / BLOCK + 1));
      }
      write(name, "(20, 32, 32, 3)", images);
    }
    write("labels", "(20,)", new byte[5 * BLOCK]);
  }

  private void write(String name, String shape, byte[] values) throws IOException {
    byte[] npy = ImageFiles.npy(1, ImageFiles.header("|u1", shape), ByteBuffer.wrap(values));
    Files.write(folder.resolve("c").resolve(name + ".npy"), npy);
  }

  private void writeCleanImages() throws IOException {
    Files.write(folder.resolve("test_batch.bin"), new byte[BLOCK * (1 + IMAGE)]);
  }

  private static float pixel(ImageSet images) {
    float[] chw = new float[images.shape().size()];
    images.read(1, chw);
    return chw[0] * 255;
  }

  @Test
  void theDatasOwnDomainsGoBeforeCorruptionsOfTheirName() {
    DomainKind fog = own.parse("fog", 0).get(0);

    assertThat(pixel(fog.at(3))).isEqualTo(3);
    assertThat(fog.clean()).isFalse();
  }

  @Test
  void allIsWhatTheDataHoldAndNothingCleanIsReadForIt() {
    assertThat(own.parse("all", 0))
        .extracting(DomainKind::name)
        .containsExactly("fog", "sand_storm");
    assertThatThrownBy(() -> own.parse("all,none", 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no clean samples");
  }

  @Test
  void allIsThePublishedCorruptionsWhereTheDataHoldNone() {
    assertThat(DomainKinds.of(new DataSpec.Builtin(5)).parse("none, all", 0))
        .extracting(DomainKind::name)
        .hasSize(16)
        .startsWith("none", "gaussian_noise")
        .endsWith("jpeg_compression");
  }

  @Test
  void corruptionsOfCleanSamplesStandBesideTheDatasOwnDomains() throws IOException {
    writeCleanImages();

    List<DomainKind> kinds = own.parse("none,sand_storm,brightness", 0);

    assertThat(kinds.get(0).clean()).isTrue();
    assertThat(pixel(kinds.get(0).at(5))).isZero();
    assertThat(pixel(kinds.get(1).at(5))).isEqualTo(5);
    assertThat(pixel(kinds.get(2).at(5))).isGreaterThan(50);
  }

  @Test
  void listsWhatThereIs() {
    assertThatThrownBy(() -> own.parse("fog,rain", 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected any of none, gaussian_noise")
        .hasMessageEndingWith("found \"rain\", and the data has the domains fog, sand_storm");
    assertThatThrownBy(() -> DomainKinds.of(new DataSpec.Builtin(5)).parse("rain", 0))
        .hasMessageEndingWith("found \"rain\"");
  }

  @Test
  void aWindowIsOfEveryDomain() throws IOException {
    writeCleanImages();

    for (DomainKind kind : own.window(3, 2).parse("none,fog", 0)) {
      assertThat(kind.at(2).size()).isEqualTo(2);
    }
  }

  @Test
  void theDatasOwnDomainsPlayInEverySchedule() {
    for (DomainSchedule schedule : DomainSchedule.values()) {
      if (schedule != DomainSchedule.SMOOTH) {
        StreamOptions options = new StreamOptions(schedule, 3, Order.IID, 1);
        DomainStream stream =
            DomainStream.of(own.parse("all", 1), Preprocessing.defaults(3), options);

        assertThat(stream.size()).isGreaterThanOrEqualTo(2 * BLOCK);
      }
    }
  }

  @Test
  void theDatasOwnDomainsCanNotBeAppliedToOtherImages() throws IOException {
    writeCleanImages();
    StreamOptions smooth = new StreamOptions(DomainSchedule.SMOOTH, 5, Order.IID, 1);

    assertThatThrownBy(
            () -> DomainStream.of(own.parse("none,fog", 1), Preprocessing.defaults(3), smooth))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "domains: expected corruptions, which can be applied to other images, found fog, a"
                + " domain of the data's own");
    assertThatThrownBy(() -> scenario("segments: [{name: a, domain: [brightness, fog]}]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("mine: a: domains: expected corruptions");
  }

  private DomainStream scenario(String yaml) throws IOException {
    Path file = Files.writeString(folder.resolve("mine.yaml"), yaml);
    return DomainStream.of(Scenario.read(file.toString()), own, Preprocessing.defaults(3), 1);
  }

  @Test
  void aRampOfTheDatasOwnDomainGoesByWholeSeverities() throws IOException {
    Segment ramp =
        scenario("segments: [{domain: fog, severity: 1..5, samples: 50}]").segments().get(0);

    assertThat(ramp.domains())
        .extracting(domain -> pixel(domain.images()))
        .containsExactly(1f, 2f, 3f, 4f, 5f);
    assertThatThrownBy(() -> scenario("segments: [{domain: fog, severity: 2.5}]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "scenario mine: fog: severity: expected a whole number for fog, a domain of the data's"
                + " own, found 2.5");
  }

  @Test
  void namesOfOneDomainAreNotLists() {
    assertThat(own.kind("fog", 0).name()).isEqualTo("fog");
    assertThatThrownBy(() -> own.kind(Corruption.ALL, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("domain: expected the name of one, found \"all\"");
  }
}
