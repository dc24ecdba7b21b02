package dev.acclimate.simulate;

import org.jspecify.annotations.Nullable;

/**
 * What one method made of a stream.
 *
 * @param method as the user wrote it
 * @param canonical the method with all its options
 * @param seconds spent in the model
 * @param rejectedSteps batches that were answered with the source statistics
 * @param stateBytes what its state takes, per stream
 * @param answers to every sample
 * @param guard what its guard did; null where it had none
 */
public record MethodRun(
    String method,
    String canonical,
    double seconds,
    long rejectedSteps,
    long stateBytes,
    AnswerLog answers,
    @Nullable GuardRecord guard) {}
