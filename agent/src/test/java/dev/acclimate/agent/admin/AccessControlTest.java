package dev.acclimate.agent.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccessControlTest {
  private static final String TOKEN = "0123456789abcdef-token";

  @TempDir Path folder;
  private final Vertx vertx = Vertx.vertx();

  @AfterEach
  void close() throws Exception {
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
  }

  private Path token(String content) throws IOException {
    return Files.writeString(folder.resolve("token"), content);
  }

  /** The status of a request with these header lines, sent as they are. */
  private int status(AccessControl access, String... headers) throws Exception {
    Router router = Router.router(vertx);
    router.route().handler(access);
    router.route(HttpMethod.POST, "/api/x").handler(context -> context.response().end("done"));
    HttpServer server =
        await(vertx.createHttpServer().requestHandler(router).listen(0, "127.0.0.1"));
    try (Socket socket = new Socket("127.0.0.1", server.actualPort())) {
      String head =
          "POST /api/x HTTP/1.1\r\n"
              + String.join("\r\n", headers)
              + "\r\ncontent-length: 0\r\n\r\n";
      socket
          .getOutputStream()
          .write(
              head.replace("PORT", Integer.toString(server.actualPort()))
                  .getBytes(StandardCharsets.US_ASCII));
      String line =
          new BufferedReader(
                  new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
              .readLine();
      return Integer.parseInt(line.split(" ")[1]);
    } finally {
      await(server.close());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost:PORT", "127.0.0.1:PORT", "[::1]:PORT", "LocalHost:PORT"})
  void thisHostsUsersNeedNoToken(String host) throws Exception {
    assertThat(status(AccessControl.of(true, null), "host: " + host)).isEqualTo(200);
    assertThat(status(AccessControl.of(true, null), "host: " + host, "origin: http://" + host))
        .isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rebound.example:PORT", "127.0.0.1.example:PORT", "0.0.0.0:PORT"})
  void aNameMadeToPointHereIsNotThisHost(String host) throws Exception {
    assertThat(status(AccessControl.of(true, null), "host: " + host)).isEqualTo(403);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://elsewhere.example", "null", "http://localhost:1", "https://127.0.0.1"})
  void pagesOfOtherOriginsAreRefused(String origin) throws Exception {
    String[] headers = {"host: localhost:PORT", "origin: " + origin};
    assertThat(status(AccessControl.of(true, null), headers)).isEqualTo(403);
    String[] authorized = {headers[0], headers[1], "authorization: Bearer " + TOKEN};
    assertThat(status(AccessControl.of(true, token(TOKEN)), authorized)).isEqualTo(403);
  }

  @Test
  void aPortThatOthersReachNeedsAToken() throws Exception {
    assertThat(status(AccessControl.of(false, null), "host: localhost:PORT")).isEqualTo(403);

    AccessControl access = AccessControl.of(false, token(TOKEN + "\n"));
    String host = "host: agent.example:PORT";
    assertThat(status(access, host)).isEqualTo(401);
    assertThat(status(access, host, "authorization: Bearer " + TOKEN)).isEqualTo(200);
    assertThat(status(access, host, "authorization: bearer  " + TOKEN)).isEqualTo(200);
    assertThat(status(access, host, "authorization: Bearer " + TOKEN + "x")).isEqualTo(401);
    assertThat(status(access, host, "authorization: Basic " + TOKEN)).isEqualTo(401);
  }

  @Test
  void aConfiguredTokenIsAskedForOnLoopbackToo() throws Exception {
    AccessControl access = AccessControl.of(true, token(TOKEN));

    assertThat(status(access, "host: localhost:PORT")).isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "short", "a token with spaces in it", "zweiundzwanzig-zähler-x"})
  void weakTokensAreRefusedAtStart(String content) throws Exception {
    Path file = token(content);

    assertThatThrownBy(() -> AccessControl.of(true, file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("http.token-file")
        .hasMessageContaining("16")
        .satisfies(
            e -> {
              if (!content.isEmpty()) {
                assertThat(e.getMessage()).doesNotContain(content);
              }
            });
  }

  @Test
  void aMissingTokenFileIsRefusedAtStart() {
    assertThatThrownBy(() -> AccessControl.of(true, folder.resolve("nothing")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("nothing");
  }
}
