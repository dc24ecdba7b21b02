package dev.acclimate.adapters.learning;

/**
 * Normalize-and-Project: Lyle et al., NeurIPS 2024, "Normalization and effective learning rates in
 * reinforcement learning". Behind a normalization the size of a weight tensor changes nothing about
 * the output, but the larger it grows the less a step turns it: the effective rate is {@code rate /
 * ||W||^2}. So every hidden layer's weights are brought back to the Frobenius norm they started
 * with, and the rate stays what the schedule says.
 *
 * <p>The output layer is left alone. Where a normalization's output goes into homogeneous
 * activations alone (Relu, LeakyRelu), its scale and offset are rescaled together to the norm they
 * started with; elsewhere they are pulled towards their starting values.
 *
 * @param every steps between projections; the paper finds 1 and 1,000 nearly the same
 * @param pull part of the distance to the start, per unit of the learning rate, that scale and
 *     offset lose in a step where they are not rescaled
 */
public record Nap(int every, double pull) {}
