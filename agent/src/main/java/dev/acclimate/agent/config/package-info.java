/** The keys of the agent's configuration: declared once, read, overridden and documented. */
@NullMarked
package dev.acclimate.agent.config;

import org.jspecify.annotations.NullMarked;
