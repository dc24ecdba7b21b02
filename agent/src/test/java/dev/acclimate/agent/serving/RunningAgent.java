package dev.acclimate.agent.serving;

import dev.acclimate.agent.Agent;
import dev.acclimate.agent.AgentConfig;
import dev.acclimate.agent.ModelOpener;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** An agent that serves the {@link ServingModels}: {@code sum}, the others to be loaded. */
public final class RunningAgent implements AutoCloseable {
  private final Agent agent;
  private final Path models;

  /**
   * Starts it.
   *
   * @param folder for its files
   * @param http more keys of the section of that name, such as {@code timeout: 1s}
   */
  public RunningAgent(Path folder, String... http) throws IOException {
    this(folder, List.of(http), "");
  }

  private RunningAgent(Path folder, List<String> http, String more) throws IOException {
    models = folder.resolve("models");
    ServingModels.write(models);
    Path config =
        Files.writeString(
            folder.resolve("agent.yaml"),
            """
            model: '%s'
            provider: cpu
            threads: 1
            models: '%s'
            batch: {max: 8, delay: 1ms}
            http:
              port: 0
              max-request-bytes: 65536
            """
                    .formatted(models.resolve("sum.onnx"), models)
                + String.join("", http.stream().map(k -> "  " + k + "\n").toList())
                + more);
    agent = Agent.start(AgentConfig.read(config), ModelOpener::adaptive);
  }

  /** Starts one in front of another. */
  public static RunningAgent inFrontOf(RunningAgent other, Path folder, String mode)
      throws IOException {
    return new RunningAgent(
        folder, List.of(), "mode: '%s'\nupstream: {url: '%s'}\n".formatted(mode, other.uri("")));
  }

  public URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port() + path);
  }

  public int port() {
    return agent.port().orElseThrow();
  }

  @Override
  public void close() {
    agent.close();
  }
}
