package dev.acclimate.tests;

import dev.acclimate.agent.Acclimate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.NewTopic;
import org.jspecify.annotations.Nullable;

/** The agent as users run it, in a process of its own. */
final class AgentProcess implements AutoCloseable {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Pattern ANSWERED =
      Pattern.compile("^acclimate_records_out_total\\S* (\\S+)$", Pattern.MULTILINE);

  private final JavaProcess process;
  private final @Nullable URI metrics;

  private AgentProcess(JavaProcess process, @Nullable URI metrics) {
    this.process = process;
    this.metrics = metrics;
  }

  /**
   * What agents of one consumer group have in common. The topics {@code name.out}, {@code
   * name.dead} and {@code name.state} are the group's own.
   *
   * @param folder where configurations and logs go
   * @param bootstrap the broker
   * @param method the adaptation method
   * @param scope what has a state of its own
   * @param in the topic of requests
   * @param name the group's
   */
  record Group(Path folder, String bootstrap, String method, String scope, String in, String name) {

    static final int MAX_BATCH = 16;
    static final int MAX_RECORD_BYTES = 8192;

    String out() {
      return name + ".out";
    }

    String deadLetter() {
      return name + ".dead";
    }

    String state() {
      return name + ".state";
    }

    /** The group's own topics but the journal, which the agent makes. */
    List<NewTopic> topics(int partitions) {
      return List.of(
          new NewTopic(out(), partitions, (short) 1),
          new NewTopic(deadLetter(), partitions, (short) 1));
    }

    /**
     * Starts an agent under an instance of its own, without waiting for it. The process ends when
     * its stream fails.
     */
    AgentProcess start(String instance) throws IOException {
      return new AgentProcess(start(instance, ""), null);
    }

    /**
     * The same for an agent that can be asked what it has {@linkplain AgentProcess#answered
     * answered}.
     */
    AgentProcess startWithMetrics(String instance) throws IOException {
      int port;
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = socket.getLocalPort();
      }
      JavaProcess process = start(instance, "http: {port: " + port + "}");
      return new AgentProcess(process, URI.create("http://127.0.0.1:" + port + "/metrics"));
    }

    private JavaProcess start(String instance, String http) throws IOException {
      Path model = Files.write(folder.resolve("model.onnx"), SmallModels.classifier());
      String configuration =
          """
          model: '%s'
          method: %s
          provider: cpu
          threads: 1
          scope: %s
          kafka:
            bootstrap: %s
            group: %s
            instance: %s
            topics: {in: %s, out: %s, dead-letter: %s, state: %s}
          batch: {max: %d, delay: 500ms, max-record-bytes: %d}
          %s
          """
              .formatted(
                  model,
                  method,
                  scope,
                  bootstrap,
                  name,
                  instance,
                  in,
                  out(),
                  deadLetter(),
                  state(),
                  MAX_BATCH,
                  MAX_RECORD_BYTES,
                  http);
      String base = name + "-" + instance;
      Path file = Files.writeString(folder.resolve(base + ".yaml"), configuration);
      JavaProcess process =
          new JavaProcess(
              folder.resolve(base + ".log"), Acclimate.class, "run", "--config", file.toString());
      process.start();
      return process;
    }
  }

  /** How many requests it has answered since it started, by its metrics. */
  double answered() {
    process.requireRunning();
    HttpRequest request = HttpRequest.newBuilder(Objects.requireNonNull(metrics)).build();
    try {
      String text = HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body();
      Matcher answered = ANSWERED.matcher(text);
      return answered.find() ? Double.parseDouble(answered.group(1)) : 0;
    } catch (IOException e) {
      return 0; // it does not listen yet
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Kills as {@code kill -9} does. */
  void kill() {
    process.kill();
  }

  /** Lets it finish what it has in hand. */
  void stop() {
    process.terminate();
  }

  /** Starts the killed or stopped agent again, without waiting until it is ready. */
  void startAgain() {
    process.start();
  }

  void requireRunning() {
    process.requireRunning();
  }

  @Override
  public void close() {
    process.close();
  }
}
