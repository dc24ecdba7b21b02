/** Random numbers that are the same on every machine, whatever the number of threads. */
@NullMarked
package dev.acclimate.simulate.random;

import org.jspecify.annotations.NullMarked;
