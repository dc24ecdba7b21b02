package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.guard.GuardSignals;
import org.jspecify.annotations.Nullable;

/**
 * What became of a batch of a {@link ServedModel}.
 *
 * @param mode at that batch
 * @param samples in it
 * @param adaptedAnswers samples that got the adapted model's answer
 * @param adaptedNanos the adapted model's time, 0 where it did not run
 * @param frozenNanos the frozen model's time, 0 where it did not run
 * @param stepped whether the state took the batch in
 * @param step steps that the state has behind it
 * @param signals what the guard sees; null where none watches
 */
public record BatchReport(
    Mode mode,
    int samples,
    int adaptedAnswers,
    long adaptedNanos,
    long frozenNanos,
    boolean stepped,
    long step,
    @Nullable GuardSignals signals) {}
