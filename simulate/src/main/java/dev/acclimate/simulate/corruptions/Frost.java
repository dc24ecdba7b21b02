package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Rime;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;

/**
 * A frosted pane laid over the image: {@code image * image weight + frost * frost weight}.
 *
 * <p>The published sets cut the frost out of five photographs. Ours is drawn: ice crystals, stems
 * with barbs at the 60 degrees that ice grows in, one over the other on a cloudy ground. Each pane
 * has the colour, the contrast and the variation from cut to cut of one of the photographs, so that
 * the change it makes has the published mean and variance.
 */
final class Frost implements Distortion {

  /**
   * What a photograph looks like, in bytes.
   *
   * @param colour mean over the photograph
   * @param contrast standard deviation of the luminance within a cut
   * @param wander standard deviation of a cut's mean
   * @param barbed whether crystals grow barbs, or are bare needles
   */
  private record Pane(Colour colour, float contrast, float wander, boolean barbed) {
    static Pane of(int red, int green, int blue, int contrast, int wander, boolean barbed) {
      return new Pane(Colour.ofBytes(red, green, blue), contrast / 255f, wander / 255f, barbed);
    }
  }

  /** The third published photograph is the second once more. */
  private static final List<Pane> PANES =
      List.of(
          Pane.of(78, 149, 166, 16, 10, false),
          Pane.of(201, 205, 214, 19, 7, false),
          Pane.of(201, 205, 214, 19, 7, true),
          Pane.of(138, 153, 166, 27, 8, false),
          Pane.of(112, 123, 135, 36, 13, true));

  /** Mean length of a crystal in pixels of a large image. */
  private static final double LENGTH = 56;

  /** Distance between the barbs of a crystal in pixels of a large image. */
  private static final double BARB_GAP = 5;

  /** Area in squared lengths for each crystal: small enough for hardly any ground to show. */
  private static final double ROOM = 0.2;

  /** Decay of the ground's detail from scale to scale, see {@link Fog#plasma}. */
  private static final double GROUND_DECAY = 2;

  /** How much of what lies beneath a crystal hides. */
  private static final float COVER = 0.6f;

  private final ImageShape shape;
  private final Rime rime;
  private final double length;
  private final double barbGap;
  private final int crystals;

  Frost(ImageShape shape, Rime rime) {
    this.shape = shape;
    this.rime = rime;
    length = LENGTH * rime.scale();
    barbGap = Math.max(1, BARB_GAP * rime.scale());
    crystals = (int) Math.ceil(shape.plane() / (ROOM * length * length));
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    Pane pane = PANES.get(random.nextInt(PANES.size()));
    float[] ice = draw(pane.barbed(), random);
    standardize(ice);
    float wander = (float) (pane.wander() * random.nextGaussian());
    float imageWeight = (float) rime.imageWeight();
    float frostWeight = (float) rime.frostWeight();
    for (int channel = 0; channel < shape.channels(); channel++) {
      float mean = pane.colour().in(channel, shape) + wander;
      int from = channel * shape.plane();
      for (int i = 0; i < ice.length; i++) {
        float frost = Math.max(0, Math.min(1, mean + pane.contrast() * ice[i]));
        chw[from + i] = imageWeight * chw[from + i] + frostWeight * frost;
      }
    }
  }

  /** Crystals on a cloudy ground, brighter ones above 0.5. */
  private float[] draw(boolean barbed, SeededRandom random) {
    float[] cloud = Fog.plasma(Fog.side(shape), GROUND_DECAY, random);
    float[] ice = new float[shape.plane()];
    for (int y = 0; y < shape.height(); y++) {
      System.arraycopy(cloud, y * Fog.side(shape), ice, y * shape.width(), shape.width());
    }
    for (int i = 0; i < crystals; i++) {
      double x = random.nextDouble(-length / 2, shape.width() + length / 2);
      double y = random.nextDouble(-length / 2, shape.height() + length / 2);
      double angle = random.nextDouble(0, 2 * Math.PI);
      double reach = length * random.nextDouble(0.4, 1.6);
      float shade = (float) random.nextDouble(-0.3, 1.3);
      grow(ice, x, y, angle, reach, shade, barbed);
    }
    return ice;
  }

  private void grow(
      float[] ice, double x, double y, double angle, double reach, float shade, boolean barbed) {
    double dx = Math.cos(angle);
    double dy = Math.sin(angle);
    line(ice, x, y, dx, dy, reach, shade);
    if (!barbed) {
      return;
    }
    // barbs slant forward; the sine of 60 degrees
    double cross = Math.sqrt(0.75);
    for (double along = 0; along < reach; along += barbGap) {
      double left = (reach - along) * 0.4;
      double fromX = x + along * dx;
      double fromY = y + along * dy;
      line(ice, fromX, fromY, dx / 2 - cross * dy, dy / 2 + cross * dx, left, shade);
      line(ice, fromX, fromY, dx / 2 + cross * dy, dy / 2 - cross * dx, left, shade * 0.8f);
    }
  }

  private void line(
      float[] ice, double x, double y, double dx, double dy, double reach, float shade) {
    for (int step = 0; step < reach; step++) {
      int column = (int) Math.floor(x + step * dx);
      int row = (int) Math.floor(y + step * dy);
      if (column >= 0 && column < shape.width() && row >= 0 && row < shape.height()) {
        int pixel = row * shape.width() + column;
        ice[pixel] += COVER * (shade - ice[pixel]);
      }
    }
  }

  /** To mean 0 and standard deviation 1. */
  private static void standardize(float[] values) {
    double sum = 0;
    double squares = 0;
    for (float value : values) {
      sum += value;
      squares += value * value;
    }
    double mean = sum / values.length;
    double deviation = Math.sqrt(Math.max(squares / values.length - mean * mean, 1e-12));
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((values[i] - mean) / deviation);
    }
  }
}
