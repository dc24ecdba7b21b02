package dev.acclimate.agent.upstream;

import io.vertx.core.MultiMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What of a message's headers goes through a proxy: all but those about the connection (RFC 9110,
 * 7.6.1), and those about the message's length and coding, which the proxy reads and writes anew.
 */
final class EndToEndHeaders {
  private static final Set<String> OWN =
      Set.of(
          "connection",
          "keep-alive",
          "proxy-authenticate",
          "proxy-authorization",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "http2-settings",
          "host",
          "expect",
          "content-length",
          "accept-encoding");

  private EndToEndHeaders() {}

  /** A copy of those. */
  static MultiMap of(Iterable<Map.Entry<String, String>> headers) {
    Set<String> named = new HashSet<>();
    for (Map.Entry<String, String> header : headers) {
      if (header.getKey().equalsIgnoreCase("connection")) {
        for (String name : header.getValue().split(",", -1)) {
          named.add(name.strip().toLowerCase(Locale.ROOT));
        }
      }
    }
    MultiMap kept = MultiMap.caseInsensitiveMultiMap();
    for (Map.Entry<String, String> header : headers) {
      String name = header.getKey().toLowerCase(Locale.ROOT);
      if (!OWN.contains(name) && !named.contains(name) && !name.startsWith(":")) {
        kept.add(header.getKey(), header.getValue());
      }
    }
    return kept;
  }
}
