/** What runs: command line, configuration, HTTP endpoints, metrics, embedded broker, demo. */
@NullMarked
package dev.acclimate.agent;

import org.jspecify.annotations.NullMarked;
