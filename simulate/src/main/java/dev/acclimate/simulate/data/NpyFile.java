package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Images of a .npy file, uint8 {@code [N, H, W, C]} or {@code [N, H, W]}. Only the header is read
 * at once; pixels come out of mapped memory, block by block, so a file may be larger than the heap.
 */
final class NpyFile {

  private final Path file;
  private final long offset;
  private final int count;
  private final ImageShape shape;

  private NpyFile(Path file, long offset, int count, ImageShape shape) {
    this.file = file;
    this.offset = offset;
    this.count = count;
    this.shape = shape;
  }

  /**
   * Reads the header.
   *
   * @throws InvalidInputException if the file is missing, of another type or shape, or not as long
   *     as the header says
   */
  static NpyFile images(Path file) {
    return read(
        file,
        array -> {
          long[] shape = array.shape();
          if (!array.type().equals("u1")) {
            throw new InvalidInputException(
                "%s: expected uint8 (|u1), found %s".formatted(file, array.descr()));
          }
          boolean grey = shape.length == 3;
          if ((!grey && shape.length != 4) || !plausible(shape)) {
            throw new InvalidInputException(
                "%s: expected shape [N, H, W, C] or [N, H, W], found %s"
                    .formatted(file, Arrays.toString(shape)));
          }
          ImageShape image =
              new ImageShape(grey ? 1 : (int) shape[3], (int) shape[1], (int) shape[2]);
          long expected = array.valuesAt() + shape[0] * image.size();
          if (Files.size(file) != expected) {
            throw new InvalidInputException(
                "%s: expected %,d bytes for shape %s, found %,d"
                    .formatted(file, expected, Arrays.toString(shape), Files.size(file)));
          }
          return new NpyFile(file, array.valuesAt(), (int) shape[0], image);
        });
  }

  /**
   * Reads all labels of a file.
   *
   * @throws InvalidInputException if the file is missing or holds no labels
   */
  static int[] labels(Path file) {
    return read(file, NpyLabels::read);
  }

  /**
   * Maps all images of a file, with the labels of another.
   *
   * @throws InvalidInputException if a file is missing or malformed, there are not as many labels
   *     as images, or one is not in {@code classes}
   */
  static ImageSet set(String name, Path imageFile, Path labelFile, List<String> classes) {
    NpyFile images = images(imageFile);
    int[] labels = labels(labelFile);
    if (images.count != labels.length) {
      throw new InvalidInputException(
          "%s: expected as many labels as %s has images, %,d, found %,d"
              .formatted(labelFile, imageFile, images.count, labels.length));
    }
    return ImageSet.of(
        name, images.shape, classes, labels, Values.PIXELS, images.block(0, images.count));
  }

  private interface Reading<T> {
    T from(NpyArray array) throws IOException;
  }

  private static <T> T read(Path file, Reading<T> reading) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException("data: no such file: " + file);
    }
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      return reading.from(NpyArray.open(in, file.toString()));
    } catch (EOFException e) {
      throw new InvalidInputException(file + ": the array header ends too early", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static boolean plausible(long[] shape) {
    long image = 1;
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 1 || shape[i] > Integer.MAX_VALUE) {
        return false;
      }
      if (i > 0) {
        image *= shape[i];
      }
      if (image > Integer.MAX_VALUE / Float.BYTES) {
        return false;
      }
    }
    return true;
  }

  /** N. */
  int count() {
    return count;
  }

  /** Of one image. */
  ImageShape shape() {
    return shape;
  }

  /**
   * Maps images {@code from} to {@code from + n - 1}; nothing else is read, and these only when
   * asked for.
   *
   * @throws InvalidInputException if they take more than 2 GiB, or the file cannot be read
   */
  ImageSet.Storage block(int from, int n) {
    int size = shape.size();
    long length = (long) n * size;
    if (length > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          "%s: expected at most %,d bytes of images at a time, found %,d"
              .formatted(file, Integer.MAX_VALUE, length));
    }
    try (FileChannel channel = FileChannel.open(file)) {
      MappedByteBuffer pixels = channel.map(MapMode.READ_ONLY, offset + (long) from * size, length);
      return (index, chw) -> {
        byte[] hwc = new byte[size];
        pixels.get(index * size, hwc);
        int next = 0;
        for (int pixel = 0; pixel < shape.plane(); pixel++) {
          for (int channelAt = pixel; channelAt < size; channelAt += shape.plane()) {
            chw[channelAt] = ImageSet.unit(hwc[next++]);
          }
        }
      };
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
