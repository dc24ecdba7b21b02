package dev.acclimate.adapters;

/** The order of axes in which activations are normalized; results are the same. */
enum Arrangement {
  /** {@code [B, C, H, W]}, as they come: right for every runtime. */
  CHANNELS_FIRST,
  /**
   * {@code [B, H, W, C]}: faster on ONNX Runtime's CPU convolutions, see {@link
   * dev.acclimate.models.ChannelsLast}.
   */
  CHANNELS_LAST
}
