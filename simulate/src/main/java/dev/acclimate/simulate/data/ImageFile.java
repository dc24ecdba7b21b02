package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads PNG, JPEG and BMP files as uint8 {@code [C, H, W]}, one channel for grey ones and three for
 * all others; alpha is dropped. Values are those in the file: colour profiles and orientation tags
 * are not applied, as in the loaders that models are trained with.
 */
final class ImageFile {

  private static final Set<String> KNOWN = Set.of("png", "jpg", "jpeg", "bmp");

  private static final Set<String> FOREIGN =
      Set.of("webp", "gif", "tif", "tiff", "ppm", "pgm", "pnm", "jp2", "heic", "avif");

  private ImageFile() {}

  /** An image: its shape and its bytes {@code [C, H, W]}. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  record Pixels(ImageShape shape, byte[] chw) {}

  /** Whether the name is one of a file that {@link #read} takes. */
  static boolean readable(String name) {
    return KNOWN.contains(ending(name));
  }

  /** Whether the name is one of an image file in a format that is not read. */
  static boolean foreign(String name) {
    return FOREIGN.contains(ending(name));
  }

  private static String ending(String name) {
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }

  /**
   * Reads no more than is needed to know the shape.
   *
   * @throws InvalidInputException if the file cannot be read
   */
  static ImageShape shape(Path file) {
    return with(
        file,
        reader -> {
          ImageTypeSpecifier type = reader.getRawImageType(0);
          return type == null
              ? pixels(file, reader).shape()
              : new ImageShape(
                  grey(type.getColorModel()) ? 1 : 3, reader.getHeight(0), reader.getWidth(0));
        });
  }

  /**
   * Reads the whole image.
   *
   * @throws InvalidInputException if the file cannot be read, is cut off, or has other than grey or
   *     RGB colours
   */
  static Pixels read(Path file) {
    return with(file, reader -> pixels(file, reader));
  }

  private interface Reading<T> {
    T from(ImageReader reader) throws IOException;
  }

  private static <T> T with(Path file, Reading<T> reading) {
    ImageReader reader = null;
    try (ImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(Files.readAllBytes(file)))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new InvalidInputException(file + ": expected a PNG, JPEG or BMP image, found none");
      }
      reader = readers.next();
      reader.setInput(in, true, true);
      return reading.from(reader);
    } catch (InvalidInputException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // readers meet damaged files with all kinds of exceptions
      throw new InvalidInputException(file + ": cannot be read as an image: " + why(e), e);
    } finally {
      if (reader != null) {
        reader.dispose();
      }
    }
  }

  private static String why(Exception e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }

  private static Pixels pixels(Path file, ImageReader reader) throws IOException {
    AtomicReference<@Nullable String> damage = new AtomicReference<>();
    reader.addIIOReadWarningListener(
        (source, warning) -> {
          if (warning.contains("premature end")) {
            damage.set(warning);
          }
        });
    BufferedImage image = reader.read(0);
    if (damage.get() != null) {
      throw new IIOException(damage.get());
    }
    Raster raster = image.getRaster();
    ColorModel colours = image.getColorModel();
    int bands = raster.getNumBands();
    if (bands > 3 && !colours.hasAlpha()) {
      throw new InvalidInputException(
          file + ": expected a grey or RGB image, found " + bands + " channels (CMYK?)");
    }
    ImageShape shape = new ImageShape(grey(colours) ? 1 : 3, image.getHeight(), image.getWidth());
    byte[] chw = new byte[Math.multiplyExact(shape.channels(), shape.plane())];
    int[] samples = new int[shape.plane()];
    for (int channel = 0; channel < shape.channels(); channel++) {
      int band = colours instanceof IndexColorModel ? 0 : channel;
      raster.getSamples(0, 0, shape.width(), shape.height(), band, samples);
      byte[] bytes = toBytes(colours, channel);
      for (int i = 0; i < samples.length; i++) {
        chw[channel * shape.plane() + i] = bytes[samples[i]];
      }
    }
    return new Pixels(shape, chw);
  }

  /** A byte for each sample value. */
  private static byte[] toBytes(ColorModel colours, int channel) {
    if (colours instanceof IndexColorModel palette) {
      byte[][] rgb = rgb(palette);
      return rgb[channel];
    }
    // a grey color model would convert by its gamma; a sample's share of the largest is as stored
    int largest = (1 << colours.getComponentSize(channel)) - 1;
    byte[] bytes = new byte[largest + 1];
    for (int value = 0; value <= largest; value++) {
      bytes[value] = (byte) Math.round(value * 255f / largest);
    }
    return bytes;
  }

  private static boolean grey(ColorModel colours) {
    if (colours instanceof IndexColorModel palette) {
      byte[][] rgb = rgb(palette);
      for (int i = 0; i < rgb[0].length; i++) {
        if (rgb[0][i] != rgb[1][i] || rgb[0][i] != rgb[2][i]) {
          return false;
        }
      }
      return true;
    }
    return colours.getNumColorComponents() == 1;
  }

  private static byte[][] rgb(IndexColorModel palette) {
    byte[][] rgb = new byte[3][palette.getMapSize()];
    palette.getReds(rgb[0]);
    palette.getGreens(rgb[1]);
    palette.getBlues(rgb[2]);
    return rgb;
  }
}
