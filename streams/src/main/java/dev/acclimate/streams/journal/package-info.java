/** The state journal: what a lane's states were at which offsets, in a compacted topic. */
@NullMarked
package dev.acclimate.streams.journal;

import org.jspecify.annotations.NullMarked;
