package dev.acclimate.simulate;

import dev.acclimate.simulate.data.ImageSet;

/**
 * One way in which the world looks.
 *
 * @param name in reports: the corruption's, with the round from the second on where domains recur.
 *     Several domains may share a name, such as the severities of one corruption: reports then
 *     count them together
 * @param task which of the stream's different domains this is, from 0; the same in every round and
 *     at every severity
 * @param clean true where nothing is done to the images
 * @param images as they look here; all domains of a stream show the same images, in the same order
 */
public record Domain(String name, int task, boolean clean, ImageSet images) {}
