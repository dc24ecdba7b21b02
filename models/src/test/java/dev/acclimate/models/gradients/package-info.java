@NullMarked
package dev.acclimate.models.gradients;

import org.jspecify.annotations.NullMarked;
