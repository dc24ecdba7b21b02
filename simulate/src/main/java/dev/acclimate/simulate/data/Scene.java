package dev.acclimate.simulate.data;

import dev.acclimate.simulate.data.Motif.Outline;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Draws one image of {@link BuiltinImages}: background, small things beside the object, the object,
 * something in front of it, light, and sensor noise. Used once.
 */
final class Scene {

  static final int SIDE = 32;

  private static final int PIXELS = SIDE * SIDE;
  private static final int CHANNELS = 3;

  /** Cell sizes of the background's detail, coarse to fine; amplitude falls with size, as 1/f. */
  private static final int[] CELLS = {16, 8, 4, 2};

  private final SeededRandom random;
  private final float[] canvas = new float[CHANNELS * PIXELS];

  /** How many pixels an edge takes from one side to the other. */
  private final double softness;

  Scene(SeededRandom random) {
    this.random = random;
    this.softness = random.nextDouble(0.8, 1.9);
  }

  /** The image as bytes, {@code [3 * 32 * 32]} in channel order. */
  byte[] draw(Motif motif) {
    double[] ground = colour(random.nextDouble(0.15, 0.8));
    paintBackground(ground);
    for (int i = random.nextInt(3); i > 0; i--) {
      paintBystander(ground);
    }
    paintObject(motif, ground);
    if (random.nextDouble() < 0.4) {
      paintObstacle();
    }
    return develop();
  }

  private void paintBackground(double[] ground) {
    double angle = random.nextDouble(0, 2 * Math.PI);
    double slopeX = Math.cos(angle) / SIDE;
    double slopeY = Math.sin(angle) / SIDE;
    double[] change = colour(0);
    double light = random.nextGaussian() * 0.12;
    float[] detail = detail(random.nextDouble(0.02, 0.12));
    float[] tint = detail(random.nextDouble(0, 0.05));
    for (int c = 0; c < CHANNELS; c++) {
      for (int i = 0; i < PIXELS; i++) {
        double along = (column(i) - SIDE / 2.0) * slopeX + (row(i) - SIDE / 2.0) * slopeY;
        double tinted = tint[i] * (c - 1);
        canvas[c * PIXELS + i] =
            (float) (ground[c] + along * (light + change[c]) + detail[i] + tinted);
      }
    }
  }

  /** Something that is not the motif: much smaller, and mostly towards a border. */
  private void paintBystander(double[] ground) {
    Motif motif = Motif.SHAPES.get(random.nextInt(Motif.SHAPES.size()));
    double angle = random.nextDouble(0, 2 * Math.PI);
    double away = random.nextDouble(11, 18);
    double[] ink = against(ground, random.nextDouble(0.1, 0.4));
    paint(
        motif.outline(random.nextDouble(1.8, 3.6), random),
        SIDE / 2.0 + away * Math.cos(angle),
        SIDE / 2.0 + away * Math.sin(angle),
        random.nextDouble(-Math.PI, Math.PI),
        1,
        ink,
        random.nextDouble(0.5, 1));
  }

  private void paintObject(Motif motif, double[] ground) {
    double radius = motif.texture() ? random.nextDouble(8, 22) : random.nextDouble(5.5, 12.5);
    double room = Math.max(2, 15 - radius);
    double[] turns = motif.turns();
    double turn = random.nextDouble(turns[0], turns[1]);
    if (motif == Motif.DIAGONAL_STRIPES && random.nextDouble() < 0.5) {
      turn = -turn;
    }
    // faint ones are the hard ones
    double contrast = 0.1 + 0.45 * Math.pow(random.nextDouble(), 0.8);
    paint(
        motif.outline(radius, random),
        SIDE / 2.0 + random.nextDouble(-room, room) * 0.8,
        SIDE / 2.0 + random.nextDouble(-room, room) * 0.8,
        turn,
        random.nextDouble(0.82, 1.22),
        against(ground, contrast),
        random.nextDouble(0.85, 1));
  }

  /** A bar across the image or a blot, in any colour. */
  private void paintObstacle() {
    double half = random.nextDouble(1, 3.2);
    Outline outline =
        random.nextDouble() < 0.6
            ? (x, y) -> Math.abs(x) - half
            : (x, y) -> Math.hypot(x, y) - 2 * half;
    paint(
        outline,
        random.nextDouble(6, 26),
        random.nextDouble(6, 26),
        random.nextDouble(-Math.PI, Math.PI),
        1,
        colour(random.nextDouble(0.1, 0.9)),
        random.nextDouble(0.8, 1));
  }

  /**
   * Lays a shaded colour over the canvas.
   *
   * @param turn in radians
   * @param stretch factor along one axis, its inverse along the other
   * @param opacity 0 to 1
   */
  private void paint(
      Outline outline,
      double centreX,
      double centreY,
      double turn,
      double stretch,
      double[] ink,
      double opacity) {
    double cos = Math.cos(turn);
    double sin = Math.sin(turn);
    double shadeX = random.nextGaussian() * 0.05 / SIDE;
    double shadeY = random.nextGaussian() * 0.05 / SIDE;
    float[] grain = detail(random.nextDouble(0, 0.06));
    for (int i = 0; i < PIXELS; i++) {
      double x = column(i) + 0.5 - centreX;
      double y = row(i) + 0.5 - centreY;
      double distance =
          outline.distance((x * cos + y * sin) * stretch, (y * cos - x * sin) / stretch);
      double cover = opacity * Math.max(0, Math.min(1, 0.5 - distance / softness));
      if (cover > 0) {
        double shade = x * shadeX + y * shadeY + grain[i];
        for (int c = 0; c < CHANNELS; c++) {
          int at = c * PIXELS + i;
          canvas[at] += (float) (cover * (ink[c] + shade - canvas[at]));
        }
      }
    }
  }

  /** A colour of the given luminance with a random tint, less of it than of grey as in photos. */
  private double[] colour(double luminance) {
    double red = random.nextGaussian() * 0.09;
    double blue = random.nextGaussian() * 0.09;
    return new double[] {luminance + red, luminance - (red + blue) / 2, luminance + blue};
  }

  /** A colour that stands out from {@code ground} by {@code contrast}, in light, tint or both. */
  private double[] against(double[] ground, double contrast) {
    double luminance = (ground[0] + ground[1] + ground[2]) / CHANNELS;
    boolean brighter =
        luminance + contrast > 0.9
            ? false
            : luminance - contrast < 0.1 || random.nextDouble() < 0.5;
    double tinted = random.nextDouble(0, 0.5);
    double step = (brighter ? 1 : -1) * contrast * (1 - tinted / 2);
    double angle = random.nextDouble(0, 2 * Math.PI);
    double red = Math.cos(angle) * contrast * tinted;
    double blue = Math.sin(angle) * contrast * tinted;
    return new double[] {
      ground[0] + step + red, ground[1] + step - (red + blue) / 2, ground[2] + step + blue
    };
  }

  /** Smooth random values around 0, a sum of lattices. */
  private float[] detail(double amplitude) {
    float[] field = new float[PIXELS];
    for (int cell : CELLS) {
      int lattice = SIDE / cell + 2;
      float[] knots = new float[lattice * lattice];
      for (int i = 0; i < knots.length; i++) {
        knots[i] = (float) (random.nextGaussian() * amplitude * Math.sqrt(cell / 16.0));
      }
      double shiftX = random.nextDouble();
      double shiftY = random.nextDouble();
      for (int y = 0; y < SIDE; y++) {
        double v = y / (double) cell + shiftY;
        int row = (int) v;
        float fy = smooth(v - row);
        for (int x = 0; x < SIDE; x++) {
          double u = x / (double) cell + shiftX;
          int column = (int) u;
          float fx = smooth(u - column);
          int at = row * lattice + column;
          float top = knots[at] + fx * (knots[at + 1] - knots[at]);
          float bottom = knots[at + lattice] + fx * (knots[at + lattice + 1] - knots[at + lattice]);
          field[y * SIDE + x] += top + fy * (bottom - top);
        }
      }
    }
    return field;
  }

  private static int row(int pixel) {
    return pixel / SIDE;
  }

  private static int column(int pixel) {
    return pixel % SIDE;
  }

  private static float smooth(double t) {
    return (float) (t * t * (3 - 2 * t));
  }

  /** Exposure, sensor noise, bytes. */
  private byte[] develop() {
    double gain = random.nextDouble(0.8, 1.2);
    double offset = random.nextDouble(-0.05, 0.05);
    double noise = random.nextDouble(0, 0.025);
    byte[] bytes = new byte[canvas.length];
    for (int i = 0; i < canvas.length; i++) {
      double value = 0.45 + (canvas[i] - 0.45) * gain + offset + noise * random.nextGaussian();
      bytes[i] = (byte) Math.round(Math.max(0, Math.min(1, value)) * 255);
    }
    return bytes;
  }
}
