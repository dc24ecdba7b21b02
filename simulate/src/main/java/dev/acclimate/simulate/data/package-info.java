/** Labelled image sets: where they are read from, how they are drawn, how a model wants them. */
@NullMarked
package dev.acclimate.simulate.data;

import org.jspecify.annotations.NullMarked;
