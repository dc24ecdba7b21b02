/** The demonstration: several methods answer one drifting stream side by side. */
@NullMarked
package dev.acclimate.agent.demo;

import org.jspecify.annotations.NullMarked;
