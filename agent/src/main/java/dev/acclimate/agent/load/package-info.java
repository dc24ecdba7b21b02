/** A server under load: who asks it, how fast it answers, what memory it takes meanwhile. */
@NullMarked
package dev.acclimate.agent.load;

import org.jspecify.annotations.NullMarked;
