package dev.acclimate.agent.upstream;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;

/**
 * An answer over HTTP.
 *
 * @param headers end to end ones, without the body's length
 */
public record HttpAnswer(int status, MultiMap headers, Buffer body) {
  /** Whether the request was done. */
  public boolean isGood() {
    return status / 100 == 2;
  }
}
