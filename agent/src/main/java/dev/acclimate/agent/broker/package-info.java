/** A Kafka broker inside this process, for demonstrations and tests. */
@NullMarked
package dev.acclimate.agent.broker;

import org.jspecify.annotations.NullMarked;
