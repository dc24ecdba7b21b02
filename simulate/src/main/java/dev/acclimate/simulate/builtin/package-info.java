/** The model that comes with the project, trained on its builtin images. */
@NullMarked
package dev.acclimate.simulate.builtin;

import org.jspecify.annotations.NullMarked;
