/**
 * How right the answers were: labels that come later joined to the answers they belong to, and what
 * a frozen model would have answered. Knows nothing of Kafka.
 */
@NullMarked
package dev.acclimate.streams.feedback;

import org.jspecify.annotations.NullMarked;
