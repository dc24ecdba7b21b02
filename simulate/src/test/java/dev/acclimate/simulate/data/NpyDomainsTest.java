package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** MNIST-C and CIFAR-10.1, laid out as published. */
class NpyDomainsTest {

  @TempDir Path directory;

  @Test
  void readsTheCorruptionsOfMnistInPublishedOrder() throws IOException {
    for (String corruption : new String[] {"canny_edges", "fog", "identity", "shear", "new_one"}) {
      mnist(corruption, "test", 2, 10);
      mnist(corruption, "train", 3, 20);
    }
    DataSpec spec = DataSpec.parse("mnistc:" + directory);

    ImageSet fog = spec.loadDomain("fog", 5);
    ImageSet train = spec.load(Split.TRAIN);

    assertThat(spec.domains()).containsExactly("shear", "fog", "canny_edges", "new_one");
    assertThat(fog.shape()).isEqualTo(new ImageShape(1, 28, 28));
    assertThat(fog.classes()).hasSize(10);
    assertThat(fog.labels()).containsExactly(0, 1);
    assertThat(first(fog, 1)).isEqualTo(11 / 255f);
    assertThat(spec.load(Split.TEST).size()).isEqualTo(2);
    assertThat(train.size()).isEqualTo(3);
    assertThat(first(train, 2)).isEqualTo(22 / 255f);
  }

  @Test
  void saysWhatToDoWithoutCleanDigits() throws IOException {
    mnist("fog", "test", 2, 10);

    assertThatThrownBy(() -> DataSpec.parse("mnistc:" + directory).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("holds no clean samples: name its own domains (fog)")
        .hasMessageContaining("or put MNIST-C's folder identity there");
  }

  @Test
  void refusesLabelsThatAreNoDigits() throws IOException {
    mnist("fog", "test", 11, 10);

    assertThatThrownBy(() -> DataSpec.parse("mnistc:" + directory).loadDomain("fog", 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("mnistc/fog: label of sample 10 must be 0 to 9, found 10");
  }

  @Test
  void refusesFoldersWithoutDomains() throws IOException {
    Files.createDirectory(directory.resolve("fog"));

    assertThatThrownBy(() -> DataSpec.parse("mnistc:" + directory).domains())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(directory + ": expected a folder such as fog with test_images.npy, found none");
    assertThatThrownBy(() -> DataSpec.parse("cifar10.1:" + directory).domains())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(directory + ": expected a file such as cifar10.1_v6_data.npy, found none");
  }

  @Test
  void readsTheVersionsOfCifar101() throws IOException {
    cifar("v6", 2, 2);
    cifar("v4", 3, 3);
    DataSpec spec = DataSpec.parse("cifar10.1:" + directory);

    ImageSet v6 = spec.loadDomain("cifar10.1_v6", 1);

    assertThat(spec.domains()).containsExactly("cifar10.1_v4", "cifar10.1_v6");
    assertThat(v6.shape()).isEqualTo(new ImageShape(3, 32, 32));
    assertThat(v6.classes()).isEqualTo(CifarVersion.CIFAR10.classes());
    assertThat(v6.labels()).containsExactly(0, 1);
    assertThat(first(v6, 1)).isEqualTo(101 / 255f);
  }

  @Test
  void findsCifar10BesideCifar101() throws IOException {
    cifar("v6", 2, 2);
    DataSpec spec = DataSpec.parse("cifar10.1:" + directory);
    assertThatThrownBy(spec::load)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("(cifar10.1_v6)")
        .hasMessageContaining("put test_batch.bin of cifar10 there");

    Files.write(directory.resolve("test_batch.bin"), new byte[3073]);

    assertThat(spec.load().labels()).containsExactly(0);
  }

  @Test
  void refusesAnotherNumberOfLabels() throws IOException {
    cifar("v6", 2, 3);

    assertThatThrownBy(() -> DataSpec.parse("cifar10.1:" + directory).loadDomain("cifar10.1_v6", 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("cifar10.1_v6_labels.npy: expected as many labels as")
        .hasMessageContaining("images, 2, found 3");
  }

  private static float first(ImageSet set, int index) {
    float[] image = new float[set.shape().size()];
    set.read(index, image);
    return image[0];
  }

  private void mnist(String corruption, String split, int n, int start) throws IOException {
    Path folder = Files.createDirectories(directory.resolve(corruption));
    npy(folder.resolve(split + "_images.npy"), "|u1", "(%d, 28, 28, 1)", n, images(n, 784, start));
    npy(folder.resolve(split + "_labels.npy"), "<i8", "(%d,)", n, labels(n, Long.BYTES));
  }

  private void cifar(String version, int n, int labels) throws IOException {
    String stem = "cifar10.1_" + version;
    npy(directory.resolve(stem + "_data.npy"), "|u1", "(%d, 32, 32, 3)", n, images(n, 3072, 100));
    npy(
        directory.resolve(stem + "_labels.npy"),
        "<i4",
        "(%d,)",
        labels,
        labels(labels, Integer.BYTES));
  }

  /** The first pixel of image i is {@code start + i}. */
  private static ByteBuffer images(int n, int size, int start) {
    ByteBuffer values = ByteBuffer.allocate(n * size);
    for (int i = 0; i < n; i++) {
      values.put(i * size, (byte) (start + i));
    }
    return values;
  }

  private static ByteBuffer labels(int n, int bytes) {
    ByteBuffer values = ByteBuffer.allocate(n * bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      values.putInt(i * bytes, i);
    }
    return values;
  }

  private static void npy(Path file, String type, String shape, int n, ByteBuffer values)
      throws IOException {
    Files.write(file, ImageFiles.npy(1, ImageFiles.header(type, shape.formatted(n)), values));
  }
}
