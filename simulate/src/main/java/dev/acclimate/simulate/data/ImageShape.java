package dev.acclimate.simulate.data;

/**
 * The shape of one image, or of a window of a time series, which is one row high.
 *
 * @param channels colour planes, 3 for RGB; sensor channels
 * @param height rows
 * @param width columns; time steps
 */
public record ImageShape(int channels, int height, int width) {

  /**
   * Checks the dimensions.
   *
   * @throws IllegalArgumentException if a dimension is not positive
   */
  public ImageShape {
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "image dimensions must be positive, found [%d, %d, %d]"
              .formatted(channels, height, width));
    }
  }

  /** Values in one image. */
  public int size() {
    return channels * height * width;
  }

  /** Values in one colour plane. */
  public int plane() {
    return height * width;
  }

  @Override
  public String toString() {
    return "[" + channels + ", " + height + ", " + width + "]";
  }
}
