package dev.acclimate.agent;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import picocli.CommandLine.Option;

/** What models run on, as commands take it. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SessionOptions {

  @Option(
      names = "--provider",
      paramLabel = "P",
      defaultValue = "auto",
      description =
          "auto, cpu, cuda[:id], tensorrt[:id], openvino, coreml, directml[:id], webgpu or"
              + " xnnpack. Default: ${DEFAULT-VALUE}.")
  private String provider;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads of one run, 0 for one per core. Default: ${DEFAULT-VALUE}.")
  private int threads;

  SessionSettings settings() {
    return new SessionSettings(ExecutionProvider.parse(provider), threads);
  }
}
