package dev.acclimate.models.gradients;

/**
 * What a BatchNormalization that normalizes with the statistics of its own batch leaves behind: all
 * are tensor names.
 *
 * @param mean per channel, {@code [C]}
 * @param variance biased (divided by the count), {@code [C]}
 * @param centred the input minus its mean
 */
record MeasuredBatch(String mean, String variance, String centred) {}
