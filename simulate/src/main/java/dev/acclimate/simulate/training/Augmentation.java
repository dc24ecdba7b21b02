package dev.acclimate.simulate.training;

import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Shifts an image by up to four pixels each way, mirrored at the borders, and flips it left to
 * right or upside down half of the time. No class of the builtin images changes by that; noise,
 * blur and light are left alone, since what the model has not seen is what adaptation is for.
 */
final class Augmentation implements Trainer.Change {
  private static final int REACH = 4;

  private final ImageShape shape;
  private final float[] original;

  Augmentation(ImageShape shape) {
    this.shape = shape;
    this.original = new float[shape.size()];
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    System.arraycopy(chw, 0, original, 0, original.length);
    int down = random.nextInt(2 * REACH + 1) - REACH;
    int right = random.nextInt(2 * REACH + 1) - REACH;
    boolean flipColumns = random.nextDouble() < 0.5;
    boolean flipRows = random.nextDouble() < 0.5;
    for (int y = 0; y < shape.height(); y++) {
      int row = mirrored(flipRows ? shape.height() - 1 - y : y, down, shape.height());
      for (int x = 0; x < shape.width(); x++) {
        int column = mirrored(flipColumns ? shape.width() - 1 - x : x, right, shape.width());
        for (int c = 0; c < shape.channels(); c++) {
          chw[c * shape.plane() + y * shape.width() + x] =
              original[c * shape.plane() + row * shape.width() + column];
        }
      }
    }
  }

  private static int mirrored(int position, int shift, int size) {
    int moved = Math.abs(position + shift);
    return moved < size ? moved : 2 * size - 2 - moved;
  }
}
