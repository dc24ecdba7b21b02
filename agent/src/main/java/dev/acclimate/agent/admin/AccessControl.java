package dev.acclimate.agent.admin;

import dev.acclimate.models.InvalidInputException;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may administer: whoever shows the bearer token; without a token, the host's own users alone.
 *
 * <p>Where there is no token, a browser must not lend its user's place on this host to another
 * site: requests that name another host (a name that was made to point here) or come from a page of
 * another origin are refused.
 */
public final class AccessControl implements Handler<RoutingContext> {
  private static final int LEAST_TOKEN = 16;
  private static final String SCHEME = "bearer ";
  private static final Set<String> LOCAL_NAMES =
      Set.of("localhost", "127.0.0.1", "::1", "[::1]", "0:0:0:0:0:0:0:1");

  private final boolean loopback;
  private final byte @Nullable [] token;

  private AccessControl(boolean loopback, byte @Nullable [] token) {
    this.loopback = loopback;
    this.token = token;
  }

  /**
   * The rule for a port.
   *
   * @param loopback whether only this host reaches it
   * @param tokenFile holds the token, white space around it aside; null for none
   * @throws InvalidInputException when the file cannot be read or its token is short
   */
  public static AccessControl of(boolean loopback, @Nullable Path tokenFile) {
    return new AccessControl(loopback, tokenFile == null ? null : read(tokenFile));
  }

  private static byte[] read(Path file) {
    String token;
    try {
      token = Files.readString(file).strip();
    } catch (IOException e) {
      throw new InvalidInputException(
          "http.token-file: " + file + ": expected a file with a token, found none to read", e);
    }
    if (token.length() < LEAST_TOKEN || !token.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw new InvalidInputException(
          "http.token-file: "
              + file
              + ": expected a token of at least "
              + LEAST_TOKEN
              + " printable ASCII characters in one line");
    }
    return token.getBytes(StandardCharsets.US_ASCII);
  }

  /** Lets a request pass, or answers it with 401 or 403. */
  @Override
  public void handle(RoutingContext context) {
    byte[] expected = token;
    if (expected == null && !loopback) {
      refuse(
          context,
          403,
          "administration is off: this port can be reached from elsewhere and no http.token-file is"
              + " configured");
    } else if (expected != null && !bears(context.request(), expected)) {
      context.response().putHeader("www-authenticate", "Bearer realm=\"acclimate\"");
      refuse(
          context, 401, "expected the header 'Authorization: Bearer TOKEN' with the right token");
    } else if (expected == null && !isLocal(context.request().authority())) {
      refuse(context, 403, "without a token, expected a host of localhost, 127.0.0.1 or [::1]");
    } else if (isForeign(context.request())) {
      refuse(context, 403, "requests from pages of another origin are refused");
    } else {
      context.next();
    }
  }

  private static boolean bears(HttpServerRequest request, byte[] expected) {
    String header = request.getHeader("authorization");
    return header != null
        && header.toLowerCase(Locale.ROOT).startsWith(SCHEME)
        && MessageDigest.isEqual( // takes the same time wherever they differ
            header.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8), expected);
  }

  private static boolean isLocal(@Nullable HostAndPort authority) {
    return authority != null && LOCAL_NAMES.contains(authority.host().toLowerCase(Locale.ROOT));
  }

  /** A browser tells the origin of the page behind every request that could change something. */
  private static boolean isForeign(HttpServerRequest request) {
    String origin = request.getHeader("origin");
    HostAndPort authority = request.authority();
    return origin != null
        && (authority == null
            || !(origin.equals("http://" + authority) || origin.equals("https://" + authority)));
  }

  private static void refuse(RoutingContext context, int status, String why) {
    Replies.error(context, status, why);
  }
}
