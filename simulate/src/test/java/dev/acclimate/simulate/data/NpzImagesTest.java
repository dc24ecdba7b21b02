package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpzImagesTest {

  private static final byte[] TWO_LABELS =
      ImageFiles.npy(1, ImageFiles.header("<i8", "(2,)"), ImageFiles.longs(1, 0));

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void readsFloatPixelsOfEveryVersion(int version) {
    byte[] x =
        ImageFiles.npy(
            version,
            ImageFiles.header("<f4", "(2, 1, 1, 2)"),
            ImageFiles.floats(0, 0.25f, 0.5f, 1));

    ImageSet images = read(x, TWO_LABELS);

    float[] second = new float[2];
    images.read(1, second);
    assertThat(images.values()).isEqualTo(Values.PIXELS);
    assertThat(images.shape()).isEqualTo(new ImageShape(1, 1, 2));
    assertThat(images.labels()).containsExactly(1, 0);
    assertThat(images.classes()).containsExactly("0", "1");
    assertThat(second).containsExactly(0.5f, 1);
  }

  @Test
  void turnsBytesIntoPlanes() {
    byte[] x = ImageFiles.npy(1, ImageFiles.header("|u1", "(2, 1, 2, 3)"), ImageFiles.bytes(12));

    ImageSet images = read(x, TWO_LABELS);

    float[] second = new float[6];
    images.read(1, second);
    assertThat(images.shape()).isEqualTo(new ImageShape(3, 1, 2));
    assertThat(second)
        .containsExactly(6 / 255f, 9 / 255f, 7 / 255f, 10 / 255f, 8 / 255f, 11 / 255f);
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.1f, 1.5f})
  void takesValuesOutsideTheUnitRangeAsModelInputs(float value) {
    byte[] x =
        ImageFiles.npy(1, ImageFiles.header("<f4", "(2, 1, 1, 1)"), ImageFiles.floats(0.5f, value));

    assertThat(read(x, TWO_LABELS).values()).isEqualTo(Values.MODEL_INPUTS);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void refusesValuesThatAreNotFiniteAndSaysWhere(float value) {
    byte[] x =
        ImageFiles.npy(1, ImageFiles.header("<f4", "(2, 1, 1, 1)"), ImageFiles.floats(0.5f, value));

    assertThatThrownBy(() -> read(x, TWO_LABELS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("x: expected finite values, found " + value + " in image 1");
  }

  @Test
  void refusesADamagedArchive() throws IOException {
    byte[] x = ImageFiles.npy(1, ImageFiles.header("<f4", "(2, 1, 1, 1)"), ImageFiles.floats(0, 1));
    Path file = directory.resolve("images.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> array : Map.of("x", x, "y", TWO_LABELS).entrySet()) {
        ZipEntry entry = new ZipEntry(array.getKey() + ".npy");
        CRC32 checksum = new CRC32();
        checksum.update(array.getValue());
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(array.getValue().length);
        entry.setCrc(checksum.getValue());
        zip.putNextEntry(entry);
        zip.write(array.getValue());
      }
    }
    byte[] bytes = Files.readAllBytes(file);
    byte[] one = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(1).array();
    int value =
        IntStream.range(0, bytes.length - 4)
            .filter(i -> Arrays.equals(bytes, i, i + 4, one, 0, 4))
            .findFirst()
            .orElseThrow();
    bytes[value + 2] ^= 1;
    Files.write(file, bytes);

    assertThatThrownBy(() -> DataSpec.parse("npz:" + file).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("the file is damaged");
  }

  @Test
  void refusesMoreValuesThanTheShapeSays() {
    byte[] x =
        ImageFiles.npy(1, ImageFiles.header("<f4", "(2, 1, 1, 1)"), ImageFiles.floats(0, 1, 1));

    assertThatThrownBy(() -> read(x, TWO_LABELS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("x: expected the end of the array after its values, found more");
  }

  @Test
  void readsSmallerIntegerLabels() {
    byte[] x = ImageFiles.npy(1, ImageFiles.header("<f4", "(2, 1, 1, 1)"), ImageFiles.floats(0, 1));
    ByteBuffer ints = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 2);

    ImageSet fromInts = read(x, ImageFiles.npy(1, ImageFiles.header("<i4", "(2,)"), ints));
    ImageSet fromBytes =
        read(x, ImageFiles.npy(1, ImageFiles.header("|u1", "(2,)"), ImageFiles.bytes(2)));

    assertThat(fromInts.labels()).containsExactly(2, 0);
    assertThat(fromBytes.labels()).containsExactly(0, 1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<f8 | (2, 1, 1, 1) | found type <f8",
        "<f4 | (2, 1) | expected shape [N, C, H, W], found [2, 1]",
        "<f4 | (2, 0, 1, 1) | expected shape [N, C, H, W], found [2, 0, 1, 1]",
        "<f4 | (3, 1, 1, 1) | as many images as y has labels, 2, found 3",
        "<f4 | (2, 1, 1, 9) | found the end of the file",
      })
  void saysWhatIsWrongWithTheImages(String type, String shape, String message) {
    byte[] x = ImageFiles.npy(1, ImageFiles.header(type, shape), ImageFiles.floats(0, 1));

    assertThatThrownBy(() -> read(x, TWO_LABELS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("images.npz: x: ")
        .hasMessageContaining(message);
  }

  @Test
  void readsBigEndianValues() {
    byte[] x =
        ImageFiles.npy(
            1,
            ImageFiles.header(">f4", "(2, 1, 1, 1)"),
            ByteBuffer.allocate(8).putFloat(0.25f).putFloat(0.75f).flip());
    byte[] y =
        ImageFiles.npy(
            1, ImageFiles.header(">i4", "(2,)"), ByteBuffer.allocate(8).putInt(1).putInt(4).flip());

    ImageSet images = read(x, y);

    float[] second = new float[1];
    images.read(1, second);
    assertThat(images.labels()).containsExactly(1, 4);
    assertThat(second).containsExactly(0.75f);
  }

  @Test
  void refusesFortranOrder() {
    byte[] x =
        ImageFiles.npy(
            1,
            "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1, 1, 1)}",
            ImageFiles.floats(0, 1));

    assertThatThrownBy(() -> read(x, TWO_LABELS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected C order, found Fortran order");
  }

  @Test
  void namesTheEntriesFoundWhereOneIsMissing() {
    Path file = ImageFiles.npz(directory.resolve("images.npz"), Map.of("y", TWO_LABELS));

    assertThatThrownBy(() -> new DataSpec.Npz(file).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected the arrays x and y, found [y]");
  }

  @Test
  void refusesNegativeLabels() {
    byte[] y = ImageFiles.npy(1, ImageFiles.header("<i8", "(2,)"), ImageFiles.longs(0, -1));

    assertThatThrownBy(() -> read(TWO_LABELS, y))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found -1 at 1");
  }

  @Test
  void refusesWhatIsNoArchive() {
    Path file = ImageFiles.write(directory.resolve("images.npz"), new byte[] {1, 2, 3});

    assertThatThrownBy(() -> new DataSpec.Npz(file).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("images.npz: cannot be read");
  }

  private ImageSet read(byte[] x, byte[] y) {
    Path file = ImageFiles.npz(directory.resolve("images.npz"), Map.of("x", x, "y", y));
    return DataSpec.parse("npz:" + file).load();
  }
}
