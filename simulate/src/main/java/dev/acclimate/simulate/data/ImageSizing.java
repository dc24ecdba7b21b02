package dev.acclimate.simulate.data;

import java.util.Arrays;

/**
 * Brings images of any size to one: scaled so that the shorter side has {@code shorterSide} pixels,
 * or just so that they cover the target where that is 0, then cut around the centre. That is what
 * torchvision's {@code Resize} and {@code CenterCrop} do, with its rounding.
 *
 * @param shorterSide in pixels; 0 for as much as the target needs
 * @param height of the target, in pixels
 * @param width of the target, in pixels
 */
public record ImageSizing(int shorterSide, int height, int width) {

  /**
   * Scales and cuts.
   *
   * @param chw uint8 {@code [C, H, W]}
   * @return uint8 {@code [C, height, width]}
   */
  byte[] apply(byte[] chw, ImageShape shape) {
    int scaledHeight;
    int scaledWidth;
    boolean landscape =
        shorterSide > 0
            ? shape.width() >= shape.height()
            : (long) shape.width() * height >= (long) shape.height() * width;
    if (landscape) {
      scaledHeight = shorterSide > 0 ? shorterSide : height;
      scaledWidth = (int) ((long) shape.width() * scaledHeight / shape.height());
    } else {
      scaledWidth = shorterSide > 0 ? shorterSide : width;
      scaledHeight = (int) ((long) shape.height() * scaledWidth / shape.width());
    }
    Resampling columns = Resampling.part(shape.width(), scaledWidth, width);
    Resampling rows = Resampling.part(shape.height(), scaledHeight, height);
    byte[] result = new byte[shape.channels() * height * width];
    byte[] narrow = new byte[shape.height() * width];
    for (int channel = 0; channel < shape.channels(); channel++) {
      int from = channel * shape.plane();
      byte[] plane = Arrays.copyOfRange(chw, from, from + shape.plane());
      for (int row = 0; row < shape.height(); row++) {
        columns.apply(plane, row * shape.width(), 1, narrow, row * width, 1);
      }
      for (int column = 0; column < width; column++) {
        rows.apply(narrow, column, width, result, channel * height * width + column, width);
      }
    }
    return result;
  }
}
