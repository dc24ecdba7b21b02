/**
 * The adaptation methods as graph rewrites, their state, and the adaptive model that runs a batch.
 */
@NullMarked
package dev.acclimate.adapters;

import org.jspecify.annotations.NullMarked;
