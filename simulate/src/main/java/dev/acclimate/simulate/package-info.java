/** Data sets, corruptions, stream orders and offline runs that show whether adaptation helps. */
@NullMarked
package dev.acclimate.simulate;

import org.jspecify.annotations.NullMarked;
