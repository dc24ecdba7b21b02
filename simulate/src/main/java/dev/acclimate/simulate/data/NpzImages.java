package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Images from a NumPy archive: {@code x} {@code [N, C, H, W]} float32 or {@code [N, H, W, C]}
 * uint8, and {@code y} {@code [N]}.
 *
 * <p>Float values that all lie in [0, 1] are pixels; otherwise they are model inputs.
 */
final class NpzImages {

  private NpzImages() {}

  /**
   * Reads the archive.
   *
   * @throws InvalidInputException if the file is missing, no archive, or an entry is missing,
   *     damaged, not of a type and shape above, or holds values that are not finite
   */
  static ImageSet read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException("npz: no such file: " + file);
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      int[] labels = readLabels(zip, file);
      return readImages(zip, file, labels);
    } catch (EOFException e) {
      throw new InvalidInputException(file + ": an array header ends too early", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private interface Reading<T> {
    T from(NpyArray array) throws IOException;
  }

  /** Reads an array to its end. {@link ZipFile} itself does not look at checksums. */
  private static <T> T read(ZipFile zip, Path file, String entry, Reading<T> reading)
      throws IOException {
    ZipEntry found = find(zip, file, entry);
    String where = file + ": " + entry;
    try (CheckedInputStream in = new CheckedInputStream(zip.getInputStream(found), new CRC32())) {
      T result = reading.from(NpyArray.open(in, where));
      if (in.read() >= 0) {
        throw new InvalidInputException(
            where + ": expected the end of the array after its values, found more");
      }
      if (in.getChecksum().getValue() != found.getCrc()) {
        throw new InvalidInputException(
            where + ": expected the archive's checksum, found another: the file is damaged");
      }
      return result;
    }
  }

  private static ZipEntry find(ZipFile zip, Path file, String entry) {
    ZipEntry found = zip.getEntry(entry + ".npy");
    if (found == null) {
      throw new InvalidInputException(
          "%s: expected the arrays x and y, found %s"
              .formatted(
                  file,
                  zip.stream()
                      .map(e -> e.getName().replaceFirst("\\.npy$", ""))
                      .sorted()
                      .toList()));
    }
    return found;
  }

  private static int[] readLabels(ZipFile zip, Path file) throws IOException {
    return read(zip, file, "y", NpyLabels::read);
  }

  private static ImageSet readImages(ZipFile zip, Path file, int[] labels) throws IOException {
    return read(zip, file, "x", array -> images(array, file, labels));
  }

  private static ImageSet images(NpyArray array, Path file, int[] labels) throws IOException {
    long[] shape = array.shape();
    boolean bytes = array.type().equals("u1");
    if (!bytes && !array.type().equals("f4")) {
      throw new InvalidInputException(
          "%s: expected float32 [N, C, H, W] or uint8 [N, H, W, C], found type %s"
              .formatted(array.where(), array.descr()));
    }
    if (shape.length != 4 || !plausible(shape)) {
      throw new InvalidInputException(
          "%s: expected shape %s, found %s"
              .formatted(
                  array.where(), bytes ? "[N, H, W, C]" : "[N, C, H, W]", Arrays.toString(shape)));
    }
    if (shape[0] != labels.length) {
      throw new InvalidInputException(
          "%s: expected as many images as y has labels, %d, found %d"
              .formatted(array.where(), labels.length, shape[0]));
    }
    int a = (int) shape[1];
    int b = (int) shape[2];
    int c = (int) shape[3];
    String name = String.valueOf(file.getFileName()).replaceFirst("\\.npz$", "");
    if (bytes) {
      ImageShape hwc = new ImageShape(c, a, b);
      byte[][] images = readBytes(array, labels.length, hwc);
      return ImageSet.ofBytes(name, hwc, NpyLabels.classes(labels), images, labels);
    }
    ImageShape chw = new ImageShape(a, b, c);
    float[][] images = readFloats(array, labels.length, chw);
    Values values = allInUnit(images) ? Values.PIXELS : Values.MODEL_INPUTS;
    return ImageSet.ofFloats(name, chw, NpyLabels.classes(labels), images, labels, values);
  }

  private static boolean plausible(long[] shape) {
    long image = 1;
    for (int i = 1; i < shape.length; i++) {
      if (shape[i] < 1 || shape[i] > Integer.MAX_VALUE) {
        return false;
      }
      image *= shape[i];
      if (image > Integer.MAX_VALUE / Float.BYTES) {
        return false;
      }
    }
    return true;
  }

  private static byte[][] readBytes(NpyArray array, int count, ImageShape shape)
      throws IOException {
    byte[][] images = new byte[count][];
    for (int i = 0; i < count; i++) {
      ByteBuffer values = array.next(shape.size());
      byte[] image = new byte[shape.size()];
      for (int pixel = 0; pixel < shape.plane(); pixel++) {
        for (int channel = 0; channel < shape.channels(); channel++) {
          image[channel * shape.plane() + pixel] = values.get();
        }
      }
      images[i] = image;
    }
    return images;
  }

  private static float[][] readFloats(NpyArray array, int count, ImageShape shape)
      throws IOException {
    float[][] images = new float[count][];
    for (int i = 0; i < count; i++) {
      float[] image = new float[shape.size()];
      array.next(image.length * Float.BYTES).asFloatBuffer().get(image);
      for (float value : image) {
        if (!Float.isFinite(value)) {
          throw new InvalidInputException(
              "%s: expected finite values, found %s in image %d"
                  .formatted(array.where(), value, i));
        }
      }
      images[i] = image;
    }
    return images;
  }

  private static boolean allInUnit(float[][] images) {
    for (float[] image : images) {
      for (float value : image) {
        if (value < 0 || value > 1) {
          return false;
        }
      }
    }
    return true;
  }
}
