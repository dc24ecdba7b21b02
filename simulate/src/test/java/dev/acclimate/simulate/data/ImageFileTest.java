package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFileTest {

  @TempDir Path directory;

  @Test
  void takesGreyValuesAsTheyAreStored() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setSamples(0, 0, 2, 1, 0, new int[] {50, 200});

    assertValues(image, "png", new ImageShape(1, 1, 2), 50, 200);
  }

  @Test
  void scalesGreyValuesOfTwoBytes() throws IOException {
    BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_USHORT_GRAY);
    image.getRaster().setSamples(0, 0, 3, 1, 0, new int[] {0, 257 * 100, 65535});

    assertValues(image, "png", new ImageShape(1, 1, 3), 0, 100, 255);
  }

  @Test
  void dropsAlpha() throws IOException {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x10_0a_14_1e);

    assertValues(image, "png", new ImageShape(3, 1, 1), 10, 20, 30);
  }

  @Test
  void looksUpPalettes() throws IOException {
    byte[] reds = {1, 4};
    byte[] greens = {2, 5};
    byte[] blues = {3, 6};
    IndexColorModel palette = new IndexColorModel(8, 2, reds, greens, blues);
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_INDEXED, palette);
    image.getRaster().setSamples(0, 0, 2, 1, 0, new int[] {1, 0});

    assertValues(image, "png", new ImageShape(3, 1, 2), 4, 1, 5, 2, 6, 3);
  }

  @Test
  void takesGreyPalettesAsGrey() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY);
    image.getRaster().setSamples(0, 0, 2, 1, 0, new int[] {1, 0});

    assertValues(image, "png", new ImageShape(1, 1, 2), 255, 0);
  }

  @Test
  void decodesJpeg() throws IOException {
    BufferedImage image = new BufferedImage(16, 8, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 16 * 8; i++) {
      image.setRGB(i % 16, i / 16, 0x28_78_c8);
    }
    Path file = Files.write(directory.resolve("a.jpg"), encoded(image, "jpg"));

    ImageFile.Pixels pixels = ImageFile.read(file);

    assertThat(pixels.shape()).isEqualTo(new ImageShape(3, 8, 16)).isEqualTo(ImageFile.shape(file));
    for (int channel = 0; channel < 3; channel++) {
      assertThat(pixels.chw()[channel * 128 + 77] & 0xff)
          .isBetween(40 + 80 * channel - 3, 40 + 80 * channel + 3);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "bmp"})
  void refusesCutOffFiles(String format) throws IOException {
    BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 64 * 64; i++) {
      image.setRGB(i % 64, i / 64, i * 0x9e3779b1);
    }
    byte[] whole = encoded(image, format);
    Path file =
        Files.write(directory.resolve("a." + format), Arrays.copyOf(whole, whole.length / 2));

    assertThatThrownBy(() -> ImageFile.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": cannot be read as an image: ");
  }

  @Test
  void refusesWhatIsNoImage() throws IOException {
    Path file = Files.writeString(directory.resolve("a.png"), "hello");

    assertThatThrownBy(() -> ImageFile.shape(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": expected a PNG, JPEG or BMP image, found none");
  }

  private void assertValues(BufferedImage image, String format, ImageShape shape, int... values)
      throws IOException {
    Path file = Files.write(directory.resolve("a." + format), encoded(image, format));

    ImageFile.Pixels pixels = ImageFile.read(file);

    assertThat(pixels.shape()).isEqualTo(shape);
    assertThat(ImageFile.shape(file)).isEqualTo(shape);
    int[] found = new int[pixels.chw().length];
    Arrays.setAll(found, i -> pixels.chw()[i] & 0xff);
    assertThat(found).isEqualTo(values);
  }

  private static byte[] encoded(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }
}
