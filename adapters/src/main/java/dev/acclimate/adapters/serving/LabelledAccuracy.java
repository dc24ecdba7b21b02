package dev.acclimate.adapters.serving;

/**
 * How often answers were right, as far as labels tell.
 *
 * @param labels that met their answers so far
 * @param given right among the last 1,000 that went out; NaN where there is none
 * @param adapted right among the adapted model's to the last 1,000 samples that both models
 *     answered
 * @param frozen the same of the frozen model's, to the same samples
 */
public record LabelledAccuracy(long labels, double given, double adapted, double frozen) {}
