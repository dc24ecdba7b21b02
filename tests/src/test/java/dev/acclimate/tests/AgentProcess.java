package dev.acclimate.tests;

import dev.acclimate.agent.Acclimate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.NewTopic;

/** The agent as users run it, in a process of its own. */
final class AgentProcess implements AutoCloseable {

  /**
   * What agents of one consumer group have in common.
   *
   * @param folder where configurations and logs go
   * @param bootstrap the broker
   * @param model the model's file
   * @param method the adaptation method
   * @param in the topic of requests
   * @param group the consumer group; the topics {@code group.out}, {@code group.dead} and {@code
   *     group.state} are its own
   */
  record Group(Path folder, String bootstrap, Path model, String method, String in, String group) {

    static final int MAX_BATCH = 16;
    static final int MAX_RECORD_BYTES = 8192;

    String out() {
      return group + ".out";
    }

    String deadLetter() {
      return group + ".dead";
    }

    String state() {
      return group + ".state";
    }

    /** The group's own topics, with that many partitions each. */
    List<NewTopic> topics(int partitions) {
      NewTopic state = new NewTopic(state(), partitions, (short) 1);
      return List.of(
          new NewTopic(out(), partitions, (short) 1),
          new NewTopic(deadLetter(), partitions, (short) 1),
          state.configs(Map.of("cleanup.policy", "compact")));
    }

    /** Starts an agent under an instance of its own, without waiting until it is ready. */
    AgentProcess start(String instance) throws IOException {
      String configuration =
          """
          model: '%s'
          method: %s
          provider: cpu
          threads: 1
          kafka:
            bootstrap: %s
            group: %s
            instance: %s
            topics: {in: %s, out: %s, dead-letter: %s, state: %s}
          batch: {max: %d, delay: 500ms, max-record-bytes: %d}
          """
              .formatted(
                  model,
                  method,
                  bootstrap,
                  group,
                  instance,
                  in,
                  out(),
                  deadLetter(),
                  state(),
                  MAX_BATCH,
                  MAX_RECORD_BYTES);
      Path file = folder.resolve(group + "-" + instance + ".yaml");
      Files.writeString(file, configuration);
      JavaProcess process =
          new JavaProcess(
              folder.resolve(group + "-" + instance + ".log"),
              Acclimate.class,
              "run",
              "--config",
              file.toString());
      process.start();
      return new AgentProcess(process);
    }
  }

  private final JavaProcess process;

  private AgentProcess(JavaProcess process) {
    this.process = process;
  }

  void kill() {
    process.kill();
  }

  int terminate() {
    return process.terminate();
  }

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
