package dev.acclimate.simulate.continual;

import dev.acclimate.simulate.data.ImageSet;

/**
 * What is learnt before the next thing is.
 *
 * @param name in tables
 * @param train samples to learn from
 * @param test samples to judge by
 */
public record LearningTask(String name, ImageSet train, ImageSet test) {}
