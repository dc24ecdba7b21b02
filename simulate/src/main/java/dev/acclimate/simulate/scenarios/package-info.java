/** Streams that are told segment by segment. */
@NullMarked
package dev.acclimate.simulate.scenarios;

import org.jspecify.annotations.NullMarked;
