@NullMarked
package dev.acclimate.adapters.learning;

import org.jspecify.annotations.NullMarked;
