package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CifarCFilesTest {

  private static final int BLOCK = 20;
  private static final int SIZE = 32 * 32 * 3;

  @TempDir Path root;
  private Path directory;

  @BeforeEach
  void writeTheSet() throws IOException {
    directory = Files.createDirectory(root.resolve("CIFAR-10-C"));
    for (String name : new String[] {"zebra_stripes", "saturate", "fog", "gaussian_noise"}) {
      write(name, "(100, 32, 32, 3)", pixels(name));
    }
    write("labels", "|u1", "(100,)", labels(5 * BLOCK));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 5})
  void readsTheBlockOfASeverity(int severity) {
    ImageSet fog = spec().loadDomain("fog", severity);

    assertThat(fog.size()).isEqualTo(BLOCK);
    assertThat(fog.shape()).isEqualTo(new ImageShape(3, 32, 32));
    assertThat(fog.values()).isEqualTo(Values.PIXELS);
    assertThat(fog.classes()).hasSize(10).startsWith("airplane");
    float[] chw = new float[SIZE];
    for (int i = 0; i < BLOCK; i++) {
      int image = (severity - 1) * BLOCK + i;
      fog.read(i, chw);
      assertThat(fog.label(i)).isEqualTo(i % 10);
      for (int at = 0; at < SIZE; at++) {
        int channel = at / 1024;
        int pixel = at % 1024;
        assertThat(chw[at]).isEqualTo((pixel("fog", image, pixel * 3 + channel) & 0xff) / 255f);
      }
    }
  }

  @Test
  void namesItsDomainsInPublishedOrderAndOthersAfterThem() {
    assertThat(spec().domains())
        .containsExactly("gaussian_noise", "fog", "saturate", "zebra_stripes");
  }

  @Test
  void takesLabelsOfOneBlockForAll() throws IOException {
    write("labels", "|u1", "(20,)", labels(BLOCK));

    assertThat(spec().loadDomain("fog", 5).labels())
        .isEqualTo(IntStream.range(0, BLOCK).map(i -> i % 10).toArray());
  }

  @Test
  void tellsCifar100ByItsLabels() throws IOException {
    ByteBuffer hundred = labels(5 * BLOCK);
    hundred.put(7, (byte) 99);
    write("labels", "|u1", "(100,)", hundred);

    ImageSet fog = spec().loadDomain("fog", 1);

    assertThat(fog.label(7)).isEqualTo(99);
    assertThat(fog.classes()).hasSize(100).startsWith("apple").endsWith("worm").isSorted();
  }

  @ParameterizedTest
  @ValueSource(strings = {"CIFAR-10-C", ".", "cifar10", "CIFAR-10-C/cifar-10-batches-bin"})
  void takesCleanImagesFromCifarsOwnFilesNearby(String place) throws IOException {
    Path folder = Files.createDirectories(root.resolve(place));
    byte[] record = new byte[1 + SIZE];
    record[0] = 3;
    record[1] = (byte) 51;
    Files.write(folder.resolve("test_batch.bin"), record);

    ImageSet clean = spec().load(Split.TEST);

    float[] chw = new float[SIZE];
    clean.read(0, chw);
    assertThat(clean.labels()).containsExactly(3);
    assertThat(chw[0]).isEqualTo(0.2f);
  }

  @Test
  void takesNoCifar10AsCleanImagesOfCifar100() throws IOException {
    ByteBuffer hundred = labels(5 * BLOCK);
    hundred.put(7, (byte) 99);
    write("labels", "|u1", "(100,)", hundred);
    Files.write(root.resolve("test_batch.bin"), new byte[1 + SIZE]);

    assertThatThrownBy(() -> spec().load(Split.TEST))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("put test.bin of cifar100");
  }

  @Test
  void saysWhatToDoWithoutCleanImages() {
    assertThatThrownBy(() -> spec().load(Split.TRAIN))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            directory
                + " holds no clean samples: name its own domains (gaussian_noise, fog, saturate,"
                + " zebra_stripes) as corruptions and leave out none, or put data_batch_1.bin of"
                + " cifar10 there or into a folder cifar10 beside it");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "snow | 5 | expected one of the set's own domains [gaussian_noise, fog, saturate, zebra",
        "labels | 5 | expected one of the set's own domains",
        "../fog | 5 | expected one of the set's own domains",
        "fog | 0 | severity: expected 1 to 5, found 0",
        "fog | 6 | severity: expected 1 to 5, found 6",
      })
  void refusesDomainsThatItHasNot(String name, int severity, String message) {
    assertThatThrownBy(() -> spec().loadDomain(name, severity))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "<f4 ; (25, 32, 32, 3) ; fog.npy: expected uint8 (|u1), found <f4",
        "|u1 ; (100, 3072) ; fog.npy: expected shape [N, H, W, C] or [N, H, W], found [100, 3072]",
        "|u1 ; (0, 32, 32, 3) ; found [0, 32, 32, 3]",
        "|u1 ; (101, 32, 32, 3) ; bytes for shape [101, 32, 32, 3], found 307,328",
        "|u1 ; (50, 32, 32, 3) ; bytes for shape [50, 32, 32, 3], found 307,328",
        "|u1 ; (300, 32, 32, 1) ; expected 300 labels or 60, to go with fog, found 100",
        "|u1 ; (96, 32, 100, 1) ; as many images of each of the 5 severities, found 96 in all",
      })
  void saysWhatIsWrongWithTheImages(String type, String shape, String message) throws IOException {
    write("fog", type, shape, pixels("fog"));

    assertThatThrownBy(() -> spec().loadDomain("fog", 5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "|u1 ; (99,) ; labels.npy: expected 100 labels or 20, to go with fog, found 99",
        "|u1 ; (10, 10) ; labels.npy: expected shape [N], found [10, 10]",
        "<f8 ; (12,) ; labels.npy: expected int64, int32 or uint8 (<i8, <i4, |u1), found <f8",
        "|u1 ; (101,) ; labels.npy: expected values for shape [101], found the end",
      })
  void saysWhatIsWrongWithTheLabels(String type, String shape, String message) throws IOException {
    write("labels", type, shape, labels(5 * BLOCK));

    assertThatThrownBy(() -> spec().loadDomain("fog", 5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesFortranOrder() throws IOException {
    Files.write(
        directory.resolve("fog.npy"),
        ImageFiles.npy(
            1,
            "{'descr': '|u1', 'fortran_order': True, 'shape': (100, 32, 32, 3)}",
            pixels("fog")));

    assertThatThrownBy(() -> spec().loadDomain("fog", 5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("fog.npy: expected C order, found Fortran order");
  }

  @Test
  void refusesWhatIsNoNumPyFile() throws IOException {
    Files.write(directory.resolve("fog.npy"), new byte[] {1, 2, 3});
    assertThatThrownBy(() -> spec().loadDomain("fog", 5))
        .hasMessageContaining("fog.npy: expected a NumPy array, found other bytes");

    Files.write(
        directory.resolve("fog.npy"), new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 99});
    assertThatThrownBy(() -> spec().loadDomain("fog", 5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("fog.npy: the array header ends too early");
  }

  @Test
  void saysWhatIsMissing() throws IOException {
    Files.delete(directory.resolve("labels.npy"));
    assertThatThrownBy(() -> spec().loadDomain("fog", 5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such file: ")
        .hasMessageContaining("labels.npy");

    assertThatThrownBy(() -> DataSpec.parse("cifar10c:" + root).domains())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(root + ": expected a file a corruption such as fog.npy, found none");
    assertThatThrownBy(() -> DataSpec.parse("cifar10c:" + root.resolve("nowhere")).domains())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such directory: ");
  }

  @Test
  void holdsNoSeverityInTheHeap() throws IOException {
    int count = 5 * 200_000;
    byte[] header =
        ImageFiles.npy(
            1,
            ImageFiles.header("|u1", "(%d, 32, 32, 3)".formatted(count)),
            ByteBuffer.allocate(0));
    try (RandomAccessFile sparse =
        new RandomAccessFile(directory.resolve("fog.npy").toFile(), "rw")) {
      sparse.setLength(0);
      sparse.write(header);
      // 3 GB of which the file system stores nothing; more than the tests' heap
      sparse.setLength(header.length + (long) count * SIZE);
      sparse.seek(header.length + (count - 1L) * SIZE);
      sparse.write(255);
    }
    ByteBuffer labels = ByteBuffer.allocate(count);
    write("labels", "|u1", "(%d,)".formatted(count), labels);

    ImageSet fog = spec().loadDomain("fog", 5);

    float[] chw = new float[SIZE];
    fog.read(199_999, chw);
    assertThat(fog.size()).isEqualTo(200_000);
    assertThat(chw[0]).isEqualTo(1);
    assertThat(chw[1]).isZero();
  }

  private DataSpec spec() {
    return DataSpec.parse("cifar10c:" + directory);
  }

  private static byte pixel(String name, int image, int at) {
    return (byte) (name.hashCode() + 31 * image + 7 * at + at / 97);
  }

  private static ByteBuffer pixels(String name) {
    ByteBuffer values = ByteBuffer.allocate(5 * BLOCK * SIZE);
    for (int i = 0; i < values.capacity(); i++) {
      values.put(i, pixel(name, i / SIZE, i % SIZE));
    }
    return values;
  }

  private static ByteBuffer labels(int count) {
    ByteBuffer values = ByteBuffer.allocate(count);
    for (int i = 0; i < count; i++) {
      values.put(i, (byte) (i % BLOCK % 10));
    }
    return values;
  }

  private void write(String name, String shape, ByteBuffer values) throws IOException {
    write(name, "|u1", shape, values);
  }

  private void write(String name, String type, String shape, ByteBuffer values) throws IOException {
    Files.write(
        directory.resolve(name + ".npy"),
        ImageFiles.npy(1, ImageFiles.header(type, shape), values));
  }
}
