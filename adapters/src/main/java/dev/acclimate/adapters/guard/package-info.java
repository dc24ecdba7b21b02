/** Tells when adaptation does harm, without labels or with, and what to do about it. */
@NullMarked
package dev.acclimate.adapters.guard;

import org.jspecify.annotations.NullMarked;
