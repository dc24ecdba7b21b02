package dev.acclimate.adapters.guard;

/**
 * What a {@link Guard} sees, over about the last {@link GuardPolicy#window} samples that both
 * models answered; classes over the last 128.
 *
 * @param trusted whether adapted answers go out
 * @param held whether the state takes nothing in
 * @param expectedGain expected part of the samples that adapted answers put right, less that they
 *     put wrong
 * @param disagreement part of the samples that the two answer differently
 * @param adaptedEntropy of the adapted model's predictions, mean, in nats
 * @param frozenEntropy of the frozen model's
 * @param adaptedClasses effective classes of the adapted answers, {@code exp(entropy)} of their
 *     mix; NaN before the first batch
 * @param frozenClasses the same of the frozen ones
 */
public record GuardSignals(
    boolean trusted,
    boolean held,
    double expectedGain,
    double disagreement,
    double adaptedEntropy,
    double frozenEntropy,
    double adaptedClasses,
    double frozenClasses) {}
