package dev.acclimate.models;

/**
 * A BatchNormalization node in inference form whose parameters are constant: where statistics can
 * adapt. All vectors are {@code [C]}.
 *
 * @param name the node's name, or its output's where it has none; unique in the model
 * @param input tensor {@code [B, C, *]} that is normalized
 * @param output the node's output tensor
 * @param nodeIndex position of the node in the graph
 * @param channels C
 * @param shape declared shape of the input as far as it is known
 * @param epsilon added to the variance before the square root
 * @param gamma scale
 * @param beta offset
 * @param mean source mean
 * @param variance source variance
 */
@SuppressWarnings("ArrayRecordComponent") // vectors of parameters, compared by no one
public record NormalizationSite(
    String name,
    String input,
    String output,
    int nodeIndex,
    int channels,
    TensorInfo shape,
    float epsilon,
    float[] gamma,
    float[] beta,
    float[] mean,
    float[] variance) {

  /** True where the input has at least one spatial axis, {@code [B, C, d1, ...]}. */
  public boolean isSpatial() {
    return shape.rank() > 2;
  }

  public int rank() {
    return shape.rank();
  }
}
