/** The common corruptions of Hendrycks and Dietterich (2019), severities 1 to 5. */
@NullMarked
package dev.acclimate.simulate.corruptions;

import org.jspecify.annotations.NullMarked;
