package dev.acclimate.tests;

import dev.acclimate.agent.Acclimate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The agent in a process of its own, looked at through its metrics. */
final class WatchedAgent implements AutoCloseable {
  private static final int SECONDS = 30;

  /** Without a limit a JVM takes memory as long as the machine has some, needed or not. */
  private static final String HEAP = "-Xmx256m";

  private final Process process;
  private final int port;

  private WatchedAgent(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts an agent.
   *
   * @param folder where its configuration and its log go
   * @param config without the HTTP section, which is added
   */
  static WatchedAgent start(Path folder, String config) throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    Path file = folder.resolve("agent.yaml");
    Files.writeString(file, config + "http: {port: " + port + "}\n");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            HEAP,
            Acclimate.class.getName(),
            "run",
            "--config",
            file.toString());
    // not on the command line: ONNX Runtime 1.29 crashes on one of more than 4 KB
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    Process process =
        builder
            .redirectError(ProcessBuilder.Redirect.appendTo(folder.resolve("agent.log").toFile()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return new WatchedAgent(process, port);
  }

  /** The sum over all meters of a name, with those tags among theirs; 0 where there is none. */
  double metric(String name, String tag) {
    return metrics()
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .filter(line -> line.contains(tag))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  double metric(String name) {
    return metric(name, "");
  }

  private String metrics() {
    URI uri = URI.create("http://127.0.0.1:" + port + "/metrics");
    try {
      return HttpClient.newHttpClient()
          .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Makes the process collect its garbage, so that what it uses is what it needs. */
  void collectGarbage() throws IOException, InterruptedException {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    new ProcessBuilder(jcmd.toString(), Long.toString(process.pid()), "GC.run")
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor(SECONDS, TimeUnit.SECONDS);
  }

  /** Memory of the process that is not paged out, native memory included; Linux only, else 0. */
  long residentBytes() throws IOException {
    Path status = Path.of("/proc", Long.toString(process.pid()), "status");
    if (!Files.exists(status)) {
      return 0;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .sum();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** As kill -9 does: nothing is finished, nothing is said to Kafka. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("the agent did not die");
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
