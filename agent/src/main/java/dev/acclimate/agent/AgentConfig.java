package dev.acclimate.agent;

import dev.acclimate.adapters.Method;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.config.ConfigSection;
import dev.acclimate.streams.Scope;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.feedback.FeedbackConfig;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@code run --config FILE} reads. {@code agent/examples} has commented files of all keys.
 *
 * @param model the model and how it adapts
 * @param http where health, metrics and inference are served; null for nowhere
 * @param stream the Kafka stream; null for none
 * @param feedback how labels are joined to answers; null where the stream has no feedback topic
 */
public record AgentConfig(
    Model model,
    @Nullable Http http,
    @Nullable StreamConfig stream,
    @Nullable FeedbackConfig feedback) {
  public static final String DEFAULT_HOST = "127.0.0.1";
  public static final int DEFAULT_PORT = 8080;
  public static final String DEFAULT_METHOD = "source";

  /**
   * The model.
   *
   * @param file the ONNX file
   * @param name what responses call it; the file's name unless given
   * @param version its version in responses
   * @param method the adaptation method with its options
   * @param provider what it runs on
   * @param threads CPU threads of one run, 0 for ONNX Runtime's choice
   * @param seed where methods that draw start from
   * @param calibration statistics of source samples, if any
   * @param state the state to start from, if any
   */
  public record Model(
      Path file,
      String name,
      String version,
      String method,
      ExecutionProvider provider,
      int threads,
      long seed,
      @Nullable Path calibration,
      @Nullable Path state) {

    Model withMethod(String changed) {
      return new Model(file, name, version, changed, provider, threads, seed, calibration, state);
    }
  }

  /** An address to listen on; port 0 takes a free one. */
  public record Http(String host, int port) {}

  /**
   * Reads a configuration file.
   *
   * @throws InvalidInputException naming file, key, what was expected and what was found
   */
  public static AgentConfig read(Path file) {
    return read(ConfigSection.read(file));
  }

  private static AgentConfig read(ConfigSection root) {
    Model model = model(root);
    Optional<Http> http = root.section("http").map(AgentConfig::http);
    Optional<ConfigSection> kafka = root.section("kafka");
    Optional<ConfigSection> batch = root.section("batch");
    StreamConfig.StateKeeping states = states(root);
    Optional<FeedbackConfig> feedback = root.section("feedback").map(AgentConfig::feedback);
    root.done();
    Optional<StreamConfig> stream = kafka.map(section -> stream(section, batch, states, model));
    if (stream.isEmpty()) {
      batch.ifPresent(AgentConfig::batchOnly);
      if (http.isEmpty()) {
        throw root.wrong("kafka", "a kafka or an http section", "neither");
      }
    }
    boolean labelled = stream.map(config -> config.topics().feedback()).isPresent();
    if (feedback.isPresent() && !labelled) {
      throw root.wrong("feedback", "a topic for it in kafka.topics.feedback", "none");
    }
    return new AgentConfig(
        model,
        http.orElse(null),
        stream.orElse(null),
        labelled ? feedback.orElse(FeedbackConfig.DEFAULT) : null);
  }

  private static FeedbackConfig feedback(ConfigSection section) {
    FeedbackConfig config =
        section.checked(
            () ->
                new FeedbackConfig(
                    section.duration(
                        "window", FeedbackConfig.DEFAULT_WINDOW, FeedbackConfig.MOST_WINDOW),
                    section.number(
                        "capacity",
                        FeedbackConfig.DEFAULT_CAPACITY,
                        1,
                        FeedbackConfig.MOST_CAPACITY),
                    section.fraction("shadow", FeedbackConfig.DEFAULT_SHADOW)));
    section.done();
    return config;
  }

  private static Model model(ConfigSection root) {
    Path file = root.file("model");
    String base = String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
    return new Model(
        file,
        root.optionalText("name").orElse(base),
        root.optionalText("version").orElse(StreamConfig.DEFAULT_MODEL_VERSION),
        root.parsed("method", Method::parse).map(Method::canonical).orElse(DEFAULT_METHOD),
        root.parsed("provider", ExecutionProvider::parse).orElse(ExecutionProvider.AUTO),
        root.number("threads", 0, 0, 1024),
        root.wideNumber("seed", 0),
        root.optionalFile("calibration").orElse(null),
        root.optionalFile("state").orElse(null));
  }

  private static Http http(ConfigSection section) {
    Http http =
        new Http(
            section.optionalText("host").orElse(DEFAULT_HOST),
            section.number("port", DEFAULT_PORT, 0, 65535));
    section.done();
    return http;
  }

  private static StreamConfig.StateKeeping states(ConfigSection root) {
    StreamConfig.StateKeeping defaults = StreamConfig.StateKeeping.DEFAULT;
    Scope scope = root.parsed("scope", Scope::parse).orElse(defaults.scope());
    return root.section("states")
        .map(
            section -> {
              StreamConfig.StateKeeping states =
                  new StreamConfig.StateKeeping(
                      scope,
                      section.number(
                          "snapshot-every",
                          defaults.snapshotEvery(),
                          0,
                          StreamConfig.StateKeeping.MOST_SNAPSHOT_EVERY),
                      section.bytes("memory", defaults.memoryBytes()));
              section.done();
              return states;
            })
        .orElse(
            new StreamConfig.StateKeeping(scope, defaults.snapshotEvery(), defaults.memoryBytes()));
  }

  private static StreamConfig stream(
      ConfigSection kafka,
      Optional<ConfigSection> batch,
      StreamConfig.StateKeeping states,
      Model model) {
    String bootstrap = kafka.text("bootstrap");
    String group = kafka.text("group");
    String instance = kafka.optionalText("instance").orElseGet(AgentConfig::hostName);
    Map<String, String> properties = kafka.texts("properties");
    StreamConfig.Topics topics =
        kafka
            .section("topics")
            .map(section -> topics(kafka, section))
            .orElseThrow(() -> kafka.wrong("topics", "keys and values", "nothing"));
    kafka.done();
    return kafka.checked(
        () -> {
          StreamConfig config =
              StreamConfig.of(bootstrap, group, topics)
                  .withInstance(instance)
                  .withStates(states)
                  .withModel(model.name(), model.version())
                  .withKafka(properties);
          return batch.map(section -> withBatch(config, section)).orElse(config);
        });
  }

  private static StreamConfig withBatch(StreamConfig config, ConfigSection batch) {
    StreamConfig.Batching defaults = config.batching();
    StreamConfig changed =
        batch.checked(
            () ->
                config.withBatching(
                    new StreamConfig.Batching(
                        batch.number("max", defaults.max(), 1, 1 << 16),
                        batch.duration("delay", defaults.delay(), StreamConfig.Batching.MOST_DELAY),
                        batch.number("max-record-bytes", defaults.maxRecordBytes(), 1, 1 << 30),
                        batch
                            .parsed("tasks", AgentConfig::taskHeader)
                            .orElse(Optional.empty())
                            .orElse(null))));
    batch.done();
    return changed;
  }

  /** Reads {@code key} or {@code header:NAME}. */
  private static Optional<String> taskHeader(String text) {
    if (text.equals("key")) {
      return Optional.empty();
    }
    if (text.startsWith("header:") && text.length() > "header:".length()) {
      return Optional.of(text.substring("header:".length()));
    }
    throw new InvalidInputException("expected key or header:NAME, found '" + text + "'");
  }

  private static void batchOnly(ConfigSection batch) {
    var unused =
        withBatch(
            StreamConfig.of("none", "none", new StreamConfig.Topics("in", "out", "dead")), batch);
  }

  private static StreamConfig.Topics topics(ConfigSection kafka, ConfigSection section) {
    StreamConfig.Topics topics =
        kafka.checked(
            () ->
                new StreamConfig.Topics(
                    section.text("in"),
                    section.text("out"),
                    section.text("dead-letter"),
                    section.optionalText("feedback").orElse(null),
                    section.optionalText("state").orElse(null)));
    section.done();
    return topics;
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return StreamConfig.DEFAULT_INSTANCE;
    }
  }
}
