package dev.acclimate.agent;

import static dev.acclimate.agent.AgentKeys.BATCH_DELAY;
import static dev.acclimate.agent.AgentKeys.BATCH_MAX;
import static dev.acclimate.agent.AgentKeys.BATCH_MAX_RECORD_BYTES;
import static dev.acclimate.agent.AgentKeys.BATCH_TASKS;
import static dev.acclimate.agent.AgentKeys.BOOTSTRAP;
import static dev.acclimate.agent.AgentKeys.CALIBRATION;
import static dev.acclimate.agent.AgentKeys.FEEDBACK_CAPACITY;
import static dev.acclimate.agent.AgentKeys.FEEDBACK_MEMORY;
import static dev.acclimate.agent.AgentKeys.FEEDBACK_SHADOW;
import static dev.acclimate.agent.AgentKeys.FEEDBACK_WINDOW;
import static dev.acclimate.agent.AgentKeys.GROUP;
import static dev.acclimate.agent.AgentKeys.GUARD_CHECK_EVERY;
import static dev.acclimate.agent.AgentKeys.GUARD_COLLAPSE;
import static dev.acclimate.agent.AgentKeys.GUARD_POLICY;
import static dev.acclimate.agent.AgentKeys.GUARD_RETURN_GAIN;
import static dev.acclimate.agent.AgentKeys.GUARD_SNAPSHOTS;
import static dev.acclimate.agent.AgentKeys.GUARD_SNAPSHOT_MEMORY;
import static dev.acclimate.agent.AgentKeys.GUARD_WINDOW;
import static dev.acclimate.agent.AgentKeys.HTTP_BODY_TIMEOUT;
import static dev.acclimate.agent.AgentKeys.HTTP_CERTIFICATE;
import static dev.acclimate.agent.AgentKeys.HTTP_HOST;
import static dev.acclimate.agent.AgentKeys.HTTP_KEY;
import static dev.acclimate.agent.AgentKeys.HTTP_MAX_REQUESTS;
import static dev.acclimate.agent.AgentKeys.HTTP_MAX_REQUEST_BYTES;
import static dev.acclimate.agent.AgentKeys.HTTP_MEMORY;
import static dev.acclimate.agent.AgentKeys.HTTP_PORT;
import static dev.acclimate.agent.AgentKeys.HTTP_TIMEOUT;
import static dev.acclimate.agent.AgentKeys.HTTP_TOKEN_FILE;
import static dev.acclimate.agent.AgentKeys.KAFKA_INSTANCE;
import static dev.acclimate.agent.AgentKeys.KAFKA_PROPERTIES;
import static dev.acclimate.agent.AgentKeys.METHOD;
import static dev.acclimate.agent.AgentKeys.MODE;
import static dev.acclimate.agent.AgentKeys.MODELS;
import static dev.acclimate.agent.AgentKeys.MODEL_FILE;
import static dev.acclimate.agent.AgentKeys.MODEL_NAME;
import static dev.acclimate.agent.AgentKeys.MODEL_VERSION;
import static dev.acclimate.agent.AgentKeys.PROVIDER;
import static dev.acclimate.agent.AgentKeys.SCOPE;
import static dev.acclimate.agent.AgentKeys.SEED;
import static dev.acclimate.agent.AgentKeys.SNAPSHOT_EVERY;
import static dev.acclimate.agent.AgentKeys.STATE_FILE;
import static dev.acclimate.agent.AgentKeys.STATE_MEMORY;
import static dev.acclimate.agent.AgentKeys.THREADS;
import static dev.acclimate.agent.AgentKeys.TOPIC_DEAD_LETTER;
import static dev.acclimate.agent.AgentKeys.TOPIC_FEEDBACK;
import static dev.acclimate.agent.AgentKeys.TOPIC_IN;
import static dev.acclimate.agent.AgentKeys.TOPIC_OUT;
import static dev.acclimate.agent.AgentKeys.TOPIC_STATE;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_AUTHORIZATION;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_BESIDE_MEMORY;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_BESIDE_REQUESTS;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_CONNECTIONS;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_MODEL;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_TIMEOUT;
import static dev.acclimate.agent.AgentKeys.UPSTREAM_URL;

import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.agent.config.Settings;
import dev.acclimate.agent.serving.ServingConfig;
import dev.acclimate.agent.upstream.UpstreamConfig;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.feedback.FeedbackConfig;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code run --config FILE} reads, as {@link AgentKeys} declares it.
 *
 * @param model the model and how it adapts
 * @param http where health, metrics and inference are served; null for nowhere
 * @param serving how the model answers over HTTP; null where it does not, since a stream asks it
 * @param stream the Kafka stream; null for none
 * @param feedback how labels are joined to answers; null where the stream has no feedback topic
 */
public record AgentConfig(
    Model model,
    @Nullable Http http,
    @Nullable ServingConfig serving,
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
   * @param answers whose answers go out
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
      @Nullable Path state,
      Answers answers) {
    /** A model whose adapted answers go out when the guard finds that they gain. */
    public Model(
        Path file,
        String name,
        String version,
        String method,
        ExecutionProvider provider,
        int threads,
        long seed,
        @Nullable Path calibration,
        @Nullable Path state) {
      this(
          file,
          name,
          version,
          method,
          provider,
          threads,
          seed,
          calibration,
          state,
          Answers.DEFAULT);
    }

    Model withMethod(String changed) {
      return new Model(
          file, name, version, changed, provider, threads, seed, calibration, state, answers);
    }

    /** Another file run the same way; calibration and state belong to this model alone. */
    Model withFile(Path other, String otherName) {
      return new Model(
          other,
          otherName,
          StreamConfig.DEFAULT_MODEL_VERSION,
          method,
          provider,
          threads,
          seed,
          null,
          null,
          answers);
    }
  }

  /**
   * Whose answers go out.
   *
   * @param mode at the start
   * @param guard over adapted answers
   */
  public record Answers(Mode mode, GuardPolicy guard) {
    public static final Answers DEFAULT = new Answers(Mode.ACTIVE, GuardPolicy.DEFAULT);
  }

  /**
   * An address to listen on.
   *
   * @param port 0 takes a free one
   * @param tls certificate and key; null for plain text
   * @param tokenFile holds the token that administration asks for; null for none
   */
  public record Http(String host, int port, @Nullable Tls tls, @Nullable Path tokenFile) {
    /** An address for plain text. */
    public Http(String host, int port) {
      this(host, port, null, null);
    }

    /** Whether this host alone reaches it. */
    boolean isLoopback() {
      try {
        return InetAddress.getByName(host).isLoopbackAddress();
      } catch (UnknownHostException e) {
        return false; // listening will tell
      }
    }
  }

  /** Files in PEM form: the chain of certificates, and the private key that goes with it. */
  public record Tls(Path certificate, Path key) {}

  /** Samples that a batch holds at most; 0 where no batches are made. */
  int largestBatch() {
    if (stream != null) {
      return stream.batching().max();
    }
    return serving != null ? serving.maxBatch() : 0;
  }

  /**
   * Reads a configuration file, of which environment variables override what they name.
   *
   * @throws InvalidInputException naming file or variable, key, what was expected and what was
   *     found
   */
  public static AgentConfig read(Path file) {
    return read(file, System.getenv());
  }

  static AgentConfig read(Path file, Map<String, String> environment) {
    return read(Settings.read(file, AgentKeys.KEYS, environment));
  }

  private static AgentConfig read(Settings settings) {
    Model model = model(settings);
    Http http = settings.has("http") ? http(settings) : null;
    StreamConfig stream = settings.has("kafka") ? stream(settings, model) : null;
    FeedbackConfig feedback = feedback(settings);
    batching(settings);
    states(settings);
    if (stream == null && http == null) {
      throw settings.wrong("kafka", "a kafka or an http section", "neither");
    }
    if (stream != null && settings.has("upstream")) {
      throw settings.wrong("upstream", "it for requests over HTTP alone", "a kafka section");
    }
    boolean labelled = stream != null && stream.topics().feedback() != null;
    if (settings.has("feedback") && !labelled) {
      throw settings.wrong("feedback", "a topic for it in kafka.topics.feedback", "none");
    }
    ServingConfig serving = serving(settings);
    return new AgentConfig(
        model,
        http,
        stream == null && http != null ? serving : null,
        stream,
        labelled ? feedback : null);
  }

  private static FeedbackConfig feedback(Settings settings) {
    return settings.checked(
        "feedback",
        () ->
            new FeedbackConfig(
                settings.get(FEEDBACK_WINDOW),
                settings.get(FEEDBACK_CAPACITY),
                settings.get(FEEDBACK_SHADOW),
                settings.get(FEEDBACK_MEMORY)));
  }

  private static Model model(Settings settings) {
    Path file = settings.get(MODEL_FILE);
    String base = String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
    return new Model(
        file,
        settings.get(MODEL_NAME).orElse(base),
        settings.get(MODEL_VERSION),
        settings.get(METHOD),
        settings.get(PROVIDER),
        settings.get(THREADS),
        settings.get(SEED),
        settings.get(CALIBRATION).orElse(null),
        settings.get(STATE_FILE).orElse(null),
        new Answers(settings.get(MODE), guard(settings)));
  }

  private static GuardPolicy guard(Settings settings) {
    GuardPolicy usual = GuardPolicy.DEFAULT;
    GuardPolicy.Action action = settings.get(GUARD_POLICY).orElse(null);
    if (action == null && settings.has("kafka")) {
      if (settings.has("guard")) {
        throw settings.wrong(
            "guard.policy",
            "how far the guard goes, which is off with kafka unless it is set",
            "nothing");
      }
      return GuardPolicy.NONE;
    }
    return settings.checked(
        "guard",
        () ->
            new GuardPolicy(
                action == null ? usual.action() : action,
                settings.get(GUARD_CHECK_EVERY),
                settings.get(GUARD_WINDOW),
                settings.get(GUARD_RETURN_GAIN),
                usual.fallGain(),
                settings.get(GUARD_COLLAPSE),
                usual.evidence(),
                settings.get(GUARD_SNAPSHOTS),
                settings.get(GUARD_SNAPSHOT_MEMORY)));
  }

  private static Http http(Settings settings) {
    Path certificate = settings.get(HTTP_CERTIFICATE).orElse(null);
    Path key = settings.get(HTTP_KEY).orElse(null);
    if ((certificate == null) != (key == null)) {
      throw settings.wrong("http.tls", "certificate and key, or neither", "one of them");
    }
    return new Http(
        settings.get(HTTP_HOST),
        settings.get(HTTP_PORT),
        certificate == null || key == null ? null : new Tls(certificate, key),
        settings.get(HTTP_TOKEN_FILE).orElse(null));
  }

  private static ServingConfig serving(Settings settings) {
    return new ServingConfig(
        settings.get(BATCH_MAX),
        settings.has("batch") ? settings.get(BATCH_DELAY) : ServingConfig.DEFAULT.maxDelay(),
        settings.get(HTTP_MAX_REQUEST_BYTES),
        settings.get(HTTP_MAX_REQUESTS),
        settings.get(HTTP_MEMORY),
        settings.get(HTTP_TIMEOUT),
        settings.get(HTTP_BODY_TIMEOUT),
        settings.get(MODELS).orElse(null),
        settings.has("upstream") ? upstream(settings) : null);
  }

  private static UpstreamConfig upstream(Settings settings) {
    URI url =
        settings
            .get(UPSTREAM_URL)
            .orElseThrow(() -> settings.wrong("upstream.url", "a server's address", "nothing"));
    return settings.checked(
        "upstream",
        () ->
            new UpstreamConfig(
                url,
                settings.get(UPSTREAM_MODEL).orElse(null),
                settings.get(UPSTREAM_TIMEOUT),
                settings.get(UPSTREAM_CONNECTIONS),
                settings.get(UPSTREAM_BESIDE_REQUESTS),
                settings.get(UPSTREAM_BESIDE_MEMORY),
                settings.get(UPSTREAM_AUTHORIZATION).orElse(null)));
  }

  private static StreamConfig.StateKeeping states(Settings settings) {
    return new StreamConfig.StateKeeping(
        settings.get(SCOPE), settings.get(SNAPSHOT_EVERY), settings.get(STATE_MEMORY));
  }

  private static StreamConfig stream(Settings settings, Model model) {
    return settings.checked(
        "kafka",
        () ->
            StreamConfig.of(settings.get(BOOTSTRAP), settings.get(GROUP), topics(settings))
                .withInstance(settings.get(KAFKA_INSTANCE).orElseGet(AgentConfig::hostName))
                .withBatching(batching(settings))
                .withStates(states(settings))
                .withModel(model.name(), model.version())
                .withKafka(settings.get(KAFKA_PROPERTIES)));
  }

  private static StreamConfig.Batching batching(Settings settings) {
    return settings.checked(
        "batch",
        () ->
            new StreamConfig.Batching(
                settings.get(BATCH_MAX),
                settings.get(BATCH_DELAY),
                settings.get(BATCH_MAX_RECORD_BYTES),
                settings.get(BATCH_TASKS).orElse(null)));
  }

  private static StreamConfig.Topics topics(Settings settings) {
    return new StreamConfig.Topics(
        settings.get(TOPIC_IN),
        settings.get(TOPIC_OUT),
        settings.get(TOPIC_DEAD_LETTER),
        settings.get(TOPIC_FEEDBACK).orElse(null),
        settings.get(TOPIC_STATE).orElse(null));
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return StreamConfig.DEFAULT_INSTANCE;
    }
  }
}
