package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.acclimate.models.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CifarFilesTest {

  private static final int RECORD = 3073;

  @TempDir Path directory;

  @Test
  void readsPlainAndZippedFiles() throws IOException {
    ImageFiles.write(directory.resolve("test_batch.bin"), records(3));
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
      out.write(records(2));
    }
    ImageFiles.write(directory.resolve("data_batch_2.bin.gz"), zipped.toByteArray());

    ImageSet test = DataSpec.parse("cifar10:" + directory).load();
    ImageSet train = DataSpec.parse("cifar10:" + directory).load(Split.TRAIN);

    float[] image = new float[RECORD - 1];
    test.read(2, image);
    assertThat(test.size()).isEqualTo(3);
    assertThat(train.size()).isEqualTo(2);
    assertThat(test.label(2)).isEqualTo(2);
    assertThat(test.classes().get(2)).isEqualTo("bird");
    assertThat(image[0]).isEqualTo(102 / 255f);
  }

  @Test
  void saysWhichFilesItLookedFor() {
    assertThatThrownBy(() -> new DataSpec.Cifar10(directory).load(Split.TRAIN))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("none of data_batch_1, data_batch_2, data_batch_3,")
        .hasMessageContaining(directory.toString());
    assertThatThrownBy(() -> new DataSpec.Cifar10(directory.resolve("nowhere")).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such directory")
        .hasMessageContaining("nowhere");
  }

  @Test
  void readsTheClassesOfCifar100() {
    byte[] bytes = new byte[2 * (RECORD + 1)];
    bytes[0] = 19;
    bytes[1] = 99;
    bytes[2] = 51;
    ImageFiles.write(directory.resolve("train.bin"), bytes);

    ImageSet train = DataSpec.parse("cifar100:" + directory).load(Split.TRAIN);

    float[] image = new float[RECORD - 1];
    train.read(0, image);
    assertThat(train.labels()).containsExactly(99, 0);
    assertThat(train.classes()).hasSize(100).endsWith("worm");
    assertThat(image[0]).isEqualTo(0.2f);
  }

  @Test
  void refusesACutOffGzip() throws IOException {
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
      out.write(records(2));
    }
    byte[] half = Arrays.copyOf(zipped.toByteArray(), zipped.size() / 2);
    ImageFiles.write(directory.resolve("test_batch.bin.gz"), half);

    assertThatThrownBy(() -> new DataSpec.Cifar10(directory).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("test_batch.bin.gz: ends too early");
  }

  @Test
  void refusesATruncatedFile() {
    ImageFiles.write(directory.resolve("test_batch.bin"), new byte[RECORD + 7]);

    assertThatThrownBy(() -> new DataSpec.Cifar10(directory).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("multiple of 3,073, found 3,080 bytes");
  }

  @Test
  void refusesAnEmptyFile() {
    ImageFiles.write(directory.resolve("test_batch.bin"), new byte[0]);

    assertThatThrownBy(() -> new DataSpec.Cifar10(directory).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found 0 bytes");
  }

  @Test
  void namesTheRecordWhoseLabelIsWrong() {
    byte[] bytes = records(2);
    bytes[RECORD] = 10;
    ImageFiles.write(directory.resolve("test_batch.bin"), bytes);

    assertThatThrownBy(() -> new DataSpec.Cifar10(directory).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("record 1: expected a label 0 to 9, found 10");
  }

  @Test
  void readsTheRealSet() {
    Path real = Path.of("../../shared/data/cifar10");
    assumeTrue(Files.isDirectory(real));

    ImageSet images = new DataSpec.Cifar10(real).load();

    assertThat(images.size()).isEqualTo(10_000);
    assertThat(images.labels()).contains(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  private static byte[] records(int count) {
    byte[] bytes = new byte[count * RECORD];
    for (int i = 0; i < count; i++) {
      bytes[i * RECORD] = (byte) i;
      bytes[i * RECORD + 1] = (byte) (100 + i);
    }
    return bytes;
  }
}
