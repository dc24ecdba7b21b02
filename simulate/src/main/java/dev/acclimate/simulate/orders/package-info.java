/** The order in which the samples of a domain arrive. */
@NullMarked
package dev.acclimate.simulate.orders;

import org.jspecify.annotations.NullMarked;
