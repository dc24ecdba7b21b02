package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdxFilesTest {

  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({
    "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, TEST",
    "t10k-images.idx3-ubyte, t10k-labels.idx1-ubyte, TEST",
    "train-images-idx3-ubyte, train-labels-idx1-ubyte.gz, TRAIN",
    "train-images.idx3-ubyte.gz, train-labels-idx1-ubyte, TRAIN",
  })
  void readsBothSplitsUnderEveryUsualName(String images, String labels, Split split)
      throws IOException {
    write(images, idx(2051, bytes(0, 255, 51, 102, 153, 204), 1, 2, 3));
    write(labels, idx(2049, bytes(4), 1));

    ImageSet set = spec().load(split);

    float[] image = new float[6];
    set.read(0, image);
    assertThat(set.shape()).isEqualTo(new ImageShape(1, 2, 3));
    assertThat(set.labels()).containsExactly(4);
    assertThat(set.classes()).containsExactly("0", "1", "2", "3", "4");
    assertThat(image).containsExactly(0, 1, 0.2f, 0.4f, 0.6f, 0.8f);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2051 | 2 | 2 | 3 | images-idx3-ubyte: ends too early",
        "2051 | 1 | 2 | 2 | expected the end after values for shape [1, 2, 2], found more",
        "2051 | 1 | 2 | 4 | images-idx3-ubyte: ends too early",
        "2051 | 1 | 0 | 3 | expected shape [N, H, W], found [1, 0, 3]",
        "2051 | 1 | 99999 | 99999 | expected shape [N, H, W], found [1, 99999, 99999]",
        "2051 | -1 | 2 | 3 | expected at least one sample, found -1",
        "2051 | 0 | 2 | 3 | expected at least one sample, found 0",
        "2049 | 1 | 2 | 3 | uint8 with 3 dimensions (magic number 2051), found 2049",
        "3331 | 1 | 2 | 3 | uint8 with 3 dimensions (magic number 2051), found 3331",
      })
  void saysWhatIsWrongWithTheImages(int magic, int n, int height, int width, String message)
      throws IOException {
    write("t10k-images-idx3-ubyte", idx(magic, new byte[6], n, height, width));
    write("t10k-labels-idx1-ubyte", idx(2049, new byte[Math.max(n, 1)], Math.max(n, 1)));

    assertThatThrownBy(() -> spec().load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("t10k-images-idx3-ubyte")
        .hasMessageContaining(message);
  }

  @Test
  void refusesAnotherNumberOfLabels() throws IOException {
    write("t10k-images-idx3-ubyte", idx(2051, new byte[6], 1, 2, 3));
    write("t10k-labels-idx1-ubyte", idx(2049, new byte[2], 2));

    assertThatThrownBy(() -> spec().load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("idx1-ubyte has labels, 2, found 1");
  }

  @Test
  void refusesCutOffFiles() throws IOException {
    write("t10k-images-idx3-ubyte", idx(2051, new byte[6], 1, 2, 3));
    write("t10k-labels-idx1-ubyte", new byte[] {0, 0, 8});
    assertThatThrownBy(() -> spec().load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("t10k-labels-idx1-ubyte: ends too early");

    byte[] zipped = gzip(idx(2049, new byte[1000], 1000));
    Files.delete(directory.resolve("t10k-labels-idx1-ubyte"));
    Files.write(
        directory.resolve("t10k-labels-idx1-ubyte.gz"), Arrays.copyOf(zipped, zipped.length - 9));
    assertThatThrownBy(() -> spec().load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("t10k-labels-idx1-ubyte.gz: ends too early");

    Files.write(directory.resolve("t10k-labels-idx1-ubyte.gz"), new byte[20]);
    assertThatThrownBy(() -> spec().load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("t10k-labels-idx1-ubyte.gz: cannot be read: Not in GZIP format");
  }

  @Test
  void saysWhatIsMissing() {
    assertThatThrownBy(() -> spec().load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "idx: neither t10k-images-idx3-ubyte nor t10k-images.idx3-ubyte, nor with .gz, in "
                + directory);
    assertThatThrownBy(() -> DataSpec.parse("idx:" + directory + "/nowhere").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such directory");
  }

  private DataSpec spec() {
    return DataSpec.parse("idx:" + directory);
  }

  private void write(String name, byte[] content) throws IOException {
    Files.write(directory.resolve(name), name.endsWith(".gz") ? gzip(content) : content);
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
      out.write(content);
    }
    return zipped.toByteArray();
  }

  private static byte[] idx(int magic, byte[] values, int... shape) {
    ByteBuffer file = ByteBuffer.allocate(4 + 4 * shape.length + values.length).putInt(magic);
    for (int dimension : shape) {
      file.putInt(dimension);
    }
    return file.put(values).array();
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
