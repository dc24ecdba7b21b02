package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Glass;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Frosted glass: a Gaussian blur, then pixels that show a neighbour of theirs, then the blur again.
 *
 * <p>As published, pixels are meant to change places, but the statement that should exchange two of
 * them copies the neighbour over the pixel and leaves the neighbour as it is. The sets hold copies,
 * hence so do we.
 */
final class GlassBlur implements Distortion {

  private final ImageShape shape;
  private final Glass glass;
  private final GaussianBlur blur;

  GlassBlur(ImageShape shape, Glass glass) {
    this.shape = shape;
    this.glass = glass;
    this.blur = GaussianBlur.of(shape.height(), shape.width(), glass.deviation());
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    blur.apply(chw);
    Bytes.truncate(chw);
    int reach = glass.reach();
    int width = shape.width();
    int plane = shape.plane();
    for (int round = 0; round < glass.rounds(); round++) {
      for (int y = shape.height() - reach; y > reach; y--) {
        for (int x = width - reach; x > reach; x--) {
          int across = random.nextInt(2 * reach) - reach;
          int down = random.nextInt(2 * reach) - reach;
          int to = y * width + x;
          int from = to + down * width + across;
          for (int offset = 0; offset < chw.length; offset += plane) {
            chw[offset + to] = chw[offset + from];
          }
        }
      }
    }
    blur.apply(chw);
  }
}
