/** Models as servers see them: named, versioned, asked batch by batch. */
@NullMarked
package dev.acclimate.adapters.serving;

import org.jspecify.annotations.NullMarked;
