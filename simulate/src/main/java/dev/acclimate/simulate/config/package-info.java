/** Reading what users write in YAML files. */
@NullMarked
package dev.acclimate.simulate.config;

import org.jspecify.annotations.NullMarked;
