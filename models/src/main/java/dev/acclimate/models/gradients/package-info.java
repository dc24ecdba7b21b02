/** Reverse-mode differentiation of ONNX graphs: gradients as plain ONNX nodes. */
@NullMarked
package dev.acclimate.models.gradients;

import org.jspecify.annotations.NullMarked;
