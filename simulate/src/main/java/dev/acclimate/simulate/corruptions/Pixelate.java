package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Shrinks the image and enlarges it again, both with Pillow's BOX filter, which the published sets
 * were made with: an output pixel is the plain mean of the input pixels whose centres lie in its
 * box, rounded to a byte after the horizontal and again after the vertical pass.
 */
final class Pixelate implements Distortion {

  private final ImageShape shape;
  private final Axis shrinkColumns;
  private final Axis shrinkRows;
  private final Axis growColumns;
  private final Axis growRows;

  Pixelate(ImageShape shape, double fraction) {
    this.shape = shape;
    int width = Math.max(1, (int) (shape.width() * fraction));
    int height = Math.max(1, (int) (shape.height() * fraction));
    shrinkColumns = Axis.of(shape.width(), width);
    shrinkRows = Axis.of(shape.height(), height);
    growColumns = Axis.of(width, shape.width());
    growRows = Axis.of(height, shape.height());
  }

  /** Which input pixels make up each output pixel along one axis: a first one and a count. */
  private static final class Axis {
    final int in;
    final int[] from;
    final int[] count;

    private Axis(int in, int[] from, int[] count) {
      this.in = in;
      this.from = from;
      this.count = count;
    }

    static Axis of(int in, int out) {
      double scale = (double) in / out;
      double width = Math.max(scale, 1);
      int[] from = new int[out];
      int[] count = new int[out];
      for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale;
        from[i] = in;
        for (int pixel = 0; pixel < in; pixel++) {
          // the box is open at its lower end
          double distance = (pixel + 0.5 - centre) / width;
          if (distance > -0.5 && distance <= 0.5) {
            from[i] = Math.min(from[i], pixel);
            count[i]++;
          }
        }
      }
      return new Axis(in, from, count);
    }

    int out() {
      return from.length;
    }
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    int[] plane = new int[shape.plane()];
    for (int from = 0; from < chw.length; from += plane.length) {
      for (int i = 0; i < plane.length; i++) {
        plane[i] = Math.round(chw[from + i] * 255);
      }
      int[] small = resize(resize(plane, shrinkColumns, true), shrinkRows, false);
      int[] large = resize(resize(small, growColumns, true), growRows, false);
      for (int i = 0; i < plane.length; i++) {
        chw[from + i] = large[i] / 255f;
      }
    }
  }

  /** Resizes along rows ({@code horizontal}) or along columns. */
  private static int[] resize(int[] plane, Axis axis, boolean horizontal) {
    int lines = plane.length / axis.in;
    int[] out = new int[lines * axis.out()];
    for (int line = 0; line < lines; line++) {
      for (int i = 0; i < axis.out(); i++) {
        int sum = 0;
        int count = axis.count[i];
        for (int k = axis.from[i]; k < axis.from[i] + count; k++) {
          sum += horizontal ? plane[line * axis.in + k] : plane[k * lines + line];
        }
        int mean = (2 * sum + count) / (2 * count);
        out[horizontal ? line * axis.out() + i : i * lines + line] = mean;
      }
    }
    return out;
  }
}
