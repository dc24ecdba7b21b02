package dev.acclimate.simulate.report;

import dev.acclimate.simulate.data.ImageShape;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;

/** Images side by side, as a PNG. */
final class SampleStrip {
  /**
   * Larger images are made smaller by a whole factor, each pixel the mean of those it stands for.
   */
  private static final int LARGEST_SIDE = 64;

  private static final int GAP = 1;

  private final ImageShape shape;
  private final int factor;
  private final int width;
  private final int height;
  private final BufferedImage strip;

  private SampleStrip(ImageShape shape, int images) {
    this.shape = shape;
    this.factor = factor(shape);
    this.width = shape.width() / factor;
    this.height = shape.height() / factor;
    this.strip =
        new BufferedImage(images * (width + GAP) - GAP, height, BufferedImage.TYPE_INT_ARGB);
  }

  private static int factor(ImageShape shape) {
    int side = Math.max(shape.width(), shape.height());
    return (side + LARGEST_SIDE - 1) / LARGEST_SIDE;
  }

  /** Bytes that an image takes before it is compressed. */
  static long bytes(ImageShape shape) {
    int factor = factor(shape);
    return 3L * (shape.width() / factor) * (shape.height() / factor);
  }

  /**
   * Draws images.
   *
   * @param images at least one, {@code [C, H, W]} each; one channel is grey, of more the first
   *     three are red, green and blue
   * @param low the value that is drawn black
   * @param high the value that is drawn white
   */
  static SampleStrip of(ImageShape shape, List<float[]> images, double low, double high) {
    SampleStrip strip = new SampleStrip(shape, images.size());
    for (int i = 0; i < images.size(); i++) {
      strip.draw(images.get(i), i * (strip.width + GAP), low, high);
    }
    return strip;
  }

  private void draw(float[] chw, int left, double low, double high) {
    for (int row = 0; row < height; row++) {
      for (int column = 0; column < width; column++) {
        int argb = 0xff;
        for (int c = 0; c < 3; c++) {
          int channel = shape.channels() < 3 ? 0 : c;
          double value = (mean(chw, channel, row, column) - low) / (high - low);
          argb = argb << 8 | (int) Math.round(255 * Math.max(0, Math.min(1, value)));
        }
        strip.setRGB(left + column, row, argb);
      }
    }
  }

  private double mean(float[] chw, int channel, int row, int column) {
    double sum = 0;
    for (int y = row * factor; y < (row + 1) * factor; y++) {
      for (int x = column * factor; x < (column + 1) * factor; x++) {
        sum += chw[channel * shape.plane() + y * shape.width() + x];
      }
    }
    return sum / (factor * factor);
  }

  int width() {
    return strip.getWidth();
  }

  int height() {
    return strip.getHeight();
  }

  /** The image itself as an address. */
  String dataUri() {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try {
      ImageIO.write(strip, "png", png);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray());
  }
}
