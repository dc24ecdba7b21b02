package dev.acclimate.simulate;

/**
 * What one method made of a stream.
 *
 * @param method as the user wrote it
 * @param canonical the method with all its options
 * @param seconds spent in the model
 * @param rejectedSteps batches that were answered with the source statistics
 * @param stateBytes what its state takes, per stream
 * @param answers to every sample
 */
public record MethodRun(
    String method,
    String canonical,
    double seconds,
    long rejectedSteps,
    long stateBytes,
    AnswerLog answers) {}
