package dev.acclimate.agent.serving;

import dev.acclimate.agent.upstream.UpstreamConfig;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How models are served.
 *
 * @param maxBatch samples that one run takes at most, and the most that one request may hold of a
 *     model that batches
 * @param maxDelay how long a request waits for others to share its run. Requests that come while
 *     the model runs share the next run anyway: under load waiting gains nothing, and with little
 *     to do it makes answers late
 * @param requestBytes size of a request's body at most, after decompression
 * @param concurrent requests in hand at most; others are told to come back later
 * @param memory bytes of requests in hand at most
 * @param timeout how long a request that names no time of its own may take
 * @param bodyTime how long a request's body may take to arrive
 * @param models folder of further models, which clients may load and unload; null for none
 * @param upstream the server that this one stands in front of; null for none
 */
public record ServingConfig(
    int maxBatch,
    Duration maxDelay,
    int requestBytes,
    int concurrent,
    long memory,
    Duration timeout,
    Duration bodyTime,
    @Nullable Path models,
    @Nullable UpstreamConfig upstream) {

  public static final ServingConfig DEFAULT =
      new ServingConfig(
          64,
          Duration.ZERO,
          16 << 20,
          256,
          256L << 20,
          Duration.ofSeconds(30),
          Duration.ofSeconds(30),
          null,
          null);
}
