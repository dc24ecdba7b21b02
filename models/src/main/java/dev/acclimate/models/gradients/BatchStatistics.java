package dev.acclimate.models.gradients;

/**
 * The statistics that one BatchNormalization node measured, beside those that it has when frozen:
 * all are tensor names, {@code [C]}.
 *
 * @param runningMean the node's mean input
 * @param runningVariance the node's variance input
 * @param mean the batch's mean
 * @param unbiasedVariance the batch's variance divided by one less than the count, as running
 *     variances want it
 */
public record BatchStatistics(
    String runningMean, String runningVariance, String mean, String unbiasedVariance) {}
