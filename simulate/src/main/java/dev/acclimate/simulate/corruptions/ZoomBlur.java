package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Zooms;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/** The mean of the image and ever larger enlargements of its centre, the first as large as it. */
final class ZoomBlur implements Distortion {

  private final ImageShape shape;
  private final Magnification[] magnifications;

  ZoomBlur(ImageShape shape, Zooms zooms) {
    this.shape = shape;
    magnifications = new Magnification[zooms.count()];
    for (int i = 0; i < magnifications.length; i++) {
      magnifications[i] = new Magnification(shape.height(), shape.width(), 1 + i * zooms.step());
    }
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    float[] sum = chw.clone();
    for (Magnification magnification : magnifications) {
      for (int from = 0; from < chw.length; from += shape.plane()) {
        magnification.addCentre(chw, sum, from);
      }
    }
    for (int i = 0; i < chw.length; i++) {
      chw[i] = sum[i] / (magnifications.length + 1);
    }
  }
}
