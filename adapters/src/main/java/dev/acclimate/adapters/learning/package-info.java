/** Learning from labels: what is replayed, what a step computes, what it leaves behind. */
@NullMarked
package dev.acclimate.adapters.learning;

import org.jspecify.annotations.NullMarked;
