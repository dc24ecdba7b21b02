package dev.acclimate.agent.upstream;

import dev.acclimate.models.InvalidInputException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The server that requests for the configured model are forwarded to.
 *
 * @param url {@code http} or {@code https}, host, port, and the path that {@code /v2} comes behind
 * @param model what that server calls the model; null for the name that clients of ours use
 * @param timeout how long it may take to answer a request
 * @param connections to it at most; requests beyond wait for one
 * @param besideRequests requests at most that are adapted to and compared beside their answer
 * @param besideMemory bytes that these hold at most
 * @param authorization the header of that name for each request; null for the client's own
 */
public record UpstreamConfig(
    URI url,
    @Nullable String model,
    Duration timeout,
    int connections,
    int besideRequests,
    long besideMemory,
    @Nullable String authorization) {
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);
  public static final int DEFAULT_CONNECTIONS = 64;
  public static final int DEFAULT_BESIDE_REQUESTS = 64;
  public static final long DEFAULT_BESIDE_MEMORY = 64L << 20;

  public UpstreamConfig {
    if (authorization != null && !authorization.chars().allMatch(c -> c >= ' ' && c < 127)) {
      throw new InvalidInputException(
          "authorization: expected printable ASCII characters in one line, found others");
    }
  }

  /**
   * Reads where a server is.
   *
   * @throws InvalidInputException when it is no address of a server
   */
  public static URI parseUrl(String text) {
    URI url;
    try {
      url = new URI(text);
    } catch (URISyntaxException e) {
      throw new InvalidInputException(EXPECTED + ", found none", e); // it may hold a secret
    }
    if (url.getUserInfo() != null) {
      throw new InvalidInputException(
          EXPECTED + " without user and password, found some; set an authorization instead");
    }
    boolean http = "http".equalsIgnoreCase(url.getScheme());
    if ((!http && !"https".equalsIgnoreCase(url.getScheme()))
        || url.getHost() == null
        || url.getRawQuery() != null
        || url.getRawFragment() != null) {
      throw new InvalidInputException(EXPECTED + ", found '" + text + "'");
    }
    return url;
  }

  private static final String EXPECTED = "expected an address such as http://127.0.0.1:8000";

  boolean isSecure() {
    return "https".equalsIgnoreCase(url.getScheme());
  }

  int port() {
    return url.getPort() >= 0 ? url.getPort() : isSecure() ? 443 : 80;
  }

  /** Without the authorization: this goes into logs. */
  @Override
  public String toString() {
    return url.toString();
  }
}
