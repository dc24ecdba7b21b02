/**
 * A model in the layout of ONNX Runtime's CPU convolutions, forward and backward pass alike: {@code
 * [B, C / n, H, W, n]}, the channels in blocks as wide as a vector register.
 */
@NullMarked
package dev.acclimate.models.blocks;

import org.jspecify.annotations.NullMarked;
