/** The whole, tested from outside: architecture, command line and real models. */
@NullMarked
package dev.acclimate.tests;

import org.jspecify.annotations.NullMarked;
