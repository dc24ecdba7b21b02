/** The inference server that the agent stands in front of. */
@NullMarked
package dev.acclimate.agent.upstream;

import org.jspecify.annotations.NullMarked;
