package dev.acclimate.agent.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lies between client and server: TLS, HTTP/2 chosen by it, compression, and curl. */
class TransportTest {
  private static final char[] PASSWORD = "password".toCharArray();
  private static final String REQUEST =
      """
      {"inputs": [{"name": "a", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
                  {"name": "b", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}],
       "outputs": [{"name": "sum"}]}
      """;
  private static final String ANSWER = "\"data\":[2.0,4.0]";

  @TempDir private Path folder;

  private static String run(Path folder, String... command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }

  /** A key and a certificate of this host, {@code key.pem} and {@code cert.pem} beside it. */
  private KeyStore keys() throws Exception {
    Path file = folder.resolve("keys.p12");
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    var unused =
        run(
            folder,
            (keytool
                    + " -genkeypair -alias a -keyalg EC -groupname secp256r1 -dname CN=localhost"
                    + " -ext san=dns:localhost -validity 2 -storetype PKCS12 -storepass password"
                    + " -keystore "
                    + file)
                .split(" ", -1));
    KeyStore keys = KeyStore.getInstance(file.toFile(), PASSWORD);
    pem("cert.pem", "CERTIFICATE", keys.getCertificate("a").getEncoded());
    pem("key.pem", "PRIVATE KEY", keys.getKey("a", PASSWORD).getEncoded());
    return keys;
  }

  private void pem(String name, String kind, byte... content) throws IOException {
    Files.writeString(
        folder.resolve(name),
        "-----BEGIN %s-----\n%s\n-----END %s-----\n"
            .formatted(kind, Base64.getMimeEncoder().encodeToString(content), kind));
  }

  private static SSLContext trusting(KeyStore keys) throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("a", keys.getCertificate("a"));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  @Test
  void tlsChoosesHttp2AndAnswersAreCompressed() throws Exception {
    SSLContext tls = trusting(keys());
    String files =
        "tls: {certificate: '%s', key: '%s'}"
            .formatted(folder.resolve("cert.pem"), folder.resolve("key.pem"));
    try (RunningAgent agent = new RunningAgent(folder, files)) {
      HttpClient http =
          HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_2).build();
      HttpRequest request =
          HttpRequest.newBuilder(
                  URI.create("https://localhost:" + agent.port() + "/v2/models/sum/infer"))
              .header("content-type", "application/json")
              .header("accept-encoding", "gzip")
              .POST(HttpRequest.BodyPublishers.ofString(REQUEST))
              .build();

      HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());

      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(response.headers().firstValue("content-encoding")).hasValue("gzip");
      try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(response.body()))) {
        assertThat(new String(gzip.readAllBytes(), StandardCharsets.UTF_8)).contains(ANSWER);
      }
    }
  }

  @Test
  void theReadmesLineOfCurlIsAnswered() throws Exception {
    assumeThat(List.of("/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl"))
        .anyMatch(file -> Files.isExecutable(Path.of(file)));
    String line =
        Files.readAllLines(Path.of("..", "README.md")).stream()
            .filter(one -> one.startsWith("curl http://127.0.0.1:8080/v2/models/model/infer "))
            .findFirst()
            .orElseThrow();
    Files.writeString(folder.resolve("request.json"), REQUEST);
    try (RunningAgent agent = new RunningAgent(folder)) {
      String mine =
          line.replace(":8080/", ":" + agent.port() + "/")
              .replace("/models/model/", "/models/sum/");

      assertThat(run(folder, "sh", "-c", mine + " --silent --show-error")).contains(ANSWER);
    }
  }
}
