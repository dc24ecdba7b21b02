package dev.acclimate.simulate.data;

/** How a model wants an image's values ordered. */
public enum Layout {
  /** One plane after another. */
  NCHW,
  /** Channels together at each pixel. */
  NHWC
}
