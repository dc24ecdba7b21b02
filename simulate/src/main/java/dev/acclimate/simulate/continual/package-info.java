/** Learning task after task: scenarios, their runs, and what is measured on them. */
@NullMarked
package dev.acclimate.simulate.continual;

import org.jspecify.annotations.NullMarked;
