/** Training of the builtin model: its architecture, the optimiser, the loop over epochs. */
@NullMarked
package dev.acclimate.simulate.training;

import org.jspecify.annotations.NullMarked;
