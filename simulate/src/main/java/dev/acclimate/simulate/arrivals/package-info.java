/** When the samples of a stream arrive. */
@NullMarked
package dev.acclimate.simulate.arrivals;

import org.jspecify.annotations.NullMarked;
