package dev.acclimate.agent;

import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.agent.config.Key;
import dev.acclimate.agent.config.Keys;
import dev.acclimate.agent.serving.ServingConfig;
import dev.acclimate.agent.upstream.UpstreamConfig;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.Scope;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.feedback.FeedbackConfig;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** All keys of the agent's configuration, in the reference's order. See {@link Keys}. */
final class AgentKeys {
  static final Keys KEYS = new Keys();

  private static final StreamConfig.StateKeeping STATES = StreamConfig.StateKeeping.DEFAULT;
  private static final StreamConfig.Batching BATCHING = StreamConfig.Batching.DEFAULT;
  private static final ServingConfig SERVING = ServingConfig.DEFAULT;
  private static final GuardPolicy GUARD = GuardPolicy.DEFAULT;

  static final Key<Path> MODEL_FILE = KEYS.file("model", "the ONNX model");
  static final Key<Optional<String>> MODEL_NAME =
      KEYS.optionalText(
          "name", "the file's name without its ending", "what responses call the model");
  static final Key<String> MODEL_VERSION =
      KEYS.text("version", StreamConfig.DEFAULT_MODEL_VERSION, "the model's version in responses");
  static final Key<String> METHOD =
      KEYS.parsed(
          "method",
          "method with its options",
          AgentConfig.DEFAULT_METHOD,
          AgentConfig.DEFAULT_METHOD,
          text -> Method.parse(text).canonical(),
          "how the model adapts; `source` leaves it as it is");
  static final Key<ExecutionProvider> PROVIDER =
      KEYS.parsed(
          "provider",
          "`auto`, `cpu`, `cuda:0`, `tensorrt:0`, `openvino`, `coreml`, ...",
          ExecutionProvider.AUTO,
          "auto",
          ExecutionProvider::parse,
          "what it runs on");
  static final Key<Integer> THREADS =
      KEYS.number(
          "threads", 0, 0, 1024, "CPU threads of one run; 0 for as many as there are cores");
  static final Key<Long> SEED =
      KEYS.wideNumber("seed", 0, "where methods that start at random draw from");
  static final Key<Optional<Path>> CALIBRATION =
      KEYS.optionalFile(
          "calibration", "statistics of source samples, made by `acclimate calibrate`");
  static final Key<Optional<Path>> STATE_FILE =
      KEYS.optionalFile("state", "the state to start from; the method's own start if left out");

  static final Key<Mode> MODE =
      KEYS.parsed(
          "mode",
          "`off`, `shadow`, `canary:P%`, `active`",
          Mode.ACTIVE,
          "active",
          text -> Mode.parse(off(text)),
          "whose answers go out: the frozen model's, or with an `upstream` the server's,"
              + " beside which the adapted one may run in `shadow`, or the adapted one's, for P % of"
              + " the streams or all");
  static final Key<Optional<GuardPolicy.Action>> GUARD_POLICY =
      KEYS.parsed(
          "guard.policy",
          "`off`, `frozen`, `hold`, `rollback`",
          Optional.empty(),
          GUARD.action().toString(),
          text -> Optional.of(GuardPolicy.Action.parse(off(text))),
          "how far the guard goes where adaptation does harm: the frozen model answers, updates"
              + " are held too, the state goes back to a good one too; with `kafka` there is none unless"
              + " this is set");
  static final Key<Integer> GUARD_CHECK_EVERY =
      KEYS.number(
          "guard.check-every",
          GUARD.checkEvery(),
          1,
          1 << 20,
          "batches between two that the frozen model answers too, while all is well");
  static final Key<Integer> GUARD_WINDOW =
      KEYS.number(
          "guard.window",
          GUARD.window(),
          8,
          1 << 20,
          "samples that the expected gain is averaged over");
  static final Key<Double> GUARD_RETURN_GAIN =
      KEYS.fraction(
          "guard.return-gain",
          GUARD.returnGain(),
          "expected gain in accuracy above which adapted answers go out");
  static final Key<Double> GUARD_COLLAPSE =
      KEYS.fraction(
          "guard.collapse",
          GUARD.collapse(),
          "part of the frozen model's effective classes below which adaptation counts as collapsed");
  static final Key<Integer> GUARD_SNAPSHOTS =
      KEYS.number(
          "guard.snapshots", GUARD.snapshots(), 1, 1000, "good states that are kept of a state");
  static final Key<Long> GUARD_SNAPSHOT_MEMORY =
      KEYS.bytes(
          "guard.snapshot-memory",
          GUARD.snapshotBytes(),
          "what these may take; with `kafka` those of all states together, and what the guards"
              + " remember");

  static final Key<Scope> SCOPE =
      KEYS.parsed(
          "scope",
          "`partition`, `stream` or `model`",
          STATES.scope(),
          "partition",
          Scope::parse,
          "what has a state of its own; `stream` is a record key");
  static final Key<Integer> SNAPSHOT_EVERY =
      KEYS.number(
          "states.snapshot-every",
          STATES.snapshotEvery(),
          0,
          StreamConfig.StateKeeping.MOST_SNAPSHOT_EVERY,
          "batches between two snapshots; 0 for snapshots by size and time");
  static final Key<Long> STATE_MEMORY =
      KEYS.bytes(
          "states.memory",
          STATES.memoryBytes(),
          "what the states of all streams may take; the rest wait in the journal");

  static final Key<String> BOOTSTRAP =
      KEYS.text("kafka.bootstrap", "brokers, `host:port`, more of them after commas");
  static final Key<String> GROUP =
      KEYS.text("kafka.group", "consumer group; agents of one group share the partitions");
  static final Key<Optional<String>> KAFKA_INSTANCE =
      KEYS.optionalText(
          "kafka.instance",
          "the host's name",
          "tells the agents of a group apart; one name an agent, kept through restarts");
  static final Key<String> TOPIC_IN = KEYS.text("kafka.topics.in", "requests");
  static final Key<String> TOPIC_OUT = KEYS.text("kafka.topics.out", "responses");
  static final Key<String> TOPIC_DEAD_LETTER =
      KEYS.text(
          "kafka.topics.dead-letter", "what cannot be answered, with the reason in its headers");
  static final Key<Optional<String>> TOPIC_FEEDBACK =
      KEYS.optionalText("kafka.topics.feedback", "", "labels of requests answered earlier");
  static final Key<Optional<String>> TOPIC_STATE =
      KEYS.optionalText(
          "kafka.topics.state",
          "",
          "journal of the states, compacted; made if it is not there; `scope: stream` needs one");
  static final Key<Map<String, String>> KAFKA_PROPERTIES =
      KEYS.texts(
          "kafka.properties",
          "any other setting of the Kafka clients; `consumer.`, `producer.` and `admin.` in front"
              + " reach one of them only");

  static final Key<Integer> BATCH_MAX =
      KEYS.number(
          "batch.max",
          BATCHING.max(),
          1,
          1 << 16,
          "samples in a full batch, and the most that one record may hold");
  static final Key<Duration> BATCH_DELAY =
      KEYS.duration(
          "batch.delay",
          BATCHING.delay(),
          StreamConfig.Batching.MOST_DELAY,
          "how long the first record or request of a batch waits for it to fill; over HTTP "
              + SERVING.maxDelay().toMillis()
              + "ms where there is no `batch` at all: requests that come during a run share the"
              + " next");
  static final Key<Integer> BATCH_MAX_RECORD_BYTES =
      KEYS.number(
          "batch.max-record-bytes",
          BATCHING.maxRecordBytes(),
          1,
          1 << 30,
          "a larger request becomes a dead letter");
  static final Key<Optional<String>> BATCH_TASKS =
      KEYS.parsed(
          "batch.tasks",
          "`key` or `header:NAME`",
          Optional.empty(),
          "key",
          AgentKeys::taskHeader,
          "what `adab2n[tasks=given]` balances: record keys, or what a header of theirs names");

  static final Key<Duration> FEEDBACK_WINDOW =
      KEYS.duration(
          "feedback.window",
          FeedbackConfig.DEFAULT_WINDOW,
          FeedbackConfig.MOST_WINDOW,
          "how long answers and labels wait for each other");
  static final Key<Integer> FEEDBACK_CAPACITY =
      KEYS.number(
          "feedback.capacity",
          FeedbackConfig.DEFAULT_CAPACITY,
          1,
          FeedbackConfig.MOST_CAPACITY,
          "samples that wait on either side; the oldest leave first");
  static final Key<Double> FEEDBACK_SHADOW =
      KEYS.fraction(
          "feedback.shadow",
          FeedbackConfig.DEFAULT_SHADOW,
          "part of the batches that the frozen model answers too, to compare");
  static final Key<Long> FEEDBACK_MEMORY =
      KEYS.bytes(
          "feedback.memory",
          FeedbackConfig.DEFAULT_MEMORY_BYTES,
          "with `+supervised`: inputs that wait for labels or are learnt from again, a partition");

  static final Key<String> HTTP_HOST =
      KEYS.text(
          "http.host",
          AgentConfig.DEFAULT_HOST,
          "address to listen on; the host's own users only unless told otherwise");
  static final Key<Integer> HTTP_PORT =
      KEYS.number("http.port", AgentConfig.DEFAULT_PORT, 0, 65535, "port; 0 takes a free one");
  static final Key<Optional<Path>> HTTP_CERTIFICATE =
      KEYS.optionalFile(
          "http.tls.certificate", "chain of certificates in PEM form; with it HTTP is HTTPS only");
  static final Key<Optional<Path>> HTTP_KEY =
      KEYS.optionalFile("http.tls.key", "the certificate's private key in PEM form");
  static final Key<Optional<Path>> HTTP_TOKEN_FILE =
      KEYS.optionalFile(
          "http.token-file",
          "holds the bearer token that administration asks for; without it, administration is for"
              + " this host's own users and off on addresses that others reach");
  static final Key<Integer> HTTP_MAX_REQUEST_BYTES =
      KEYS.number(
          "http.max-request-bytes",
          SERVING.requestBytes(),
          1,
          1 << 30,
          "a larger request is refused, 413; counted after decompression");
  static final Key<Integer> HTTP_MAX_REQUESTS =
      KEYS.number(
          "http.max-requests",
          SERVING.concurrent(),
          1,
          1 << 20,
          "inference requests in hand; one more is told to come back later, 503");
  static final Key<Long> HTTP_MEMORY =
      KEYS.bytes(
          "http.memory",
          SERVING.memory(),
          "what the requests in hand may take, as they came and decoded, else 503");
  static final Key<Duration> HTTP_TIMEOUT =
      KEYS.duration(
          "http.timeout",
          SERVING.timeout(),
          Duration.ofMinutes(10),
          "the longest that a request may take, else 504");
  static final Key<Duration> HTTP_BODY_TIMEOUT =
      KEYS.duration(
          "http.body-timeout",
          SERVING.bodyTime(),
          Duration.ofMinutes(10),
          "how long a request's body may take to arrive, else 408");
  static final Key<Optional<Path>> MODELS =
      KEYS.parsed(
          "models",
          "path of a folder",
          Optional.empty(),
          "",
          AgentKeys::folder,
          "further models, `NAME.onnx` or `NAME/model.onnx`, that clients may load and unload over"
              + " HTTP");

  static final Key<Optional<URI>> UPSTREAM_URL =
      KEYS.parsed(
          "upstream.url",
          "address such as `http://127.0.0.1:8000`",
          Optional.empty(),
          "",
          text -> Optional.of(UpstreamConfig.parseUrl(text)),
          "a server of the Open Inference Protocol over HTTP that has the model: requests for it"
              + " are forwarded, and `mode` says whether the server answers or our model");
  static final Key<Optional<String>> UPSTREAM_MODEL =
      KEYS.optionalText("upstream.model", "`name`", "what that server calls the model");
  static final Key<Duration> UPSTREAM_TIMEOUT =
      KEYS.duration(
          "upstream.timeout",
          UpstreamConfig.DEFAULT_TIMEOUT,
          Duration.ofMinutes(10),
          "how long it may take to answer, else 504");
  static final Key<Integer> UPSTREAM_CONNECTIONS =
      KEYS.number(
          "upstream.connections",
          UpstreamConfig.DEFAULT_CONNECTIONS,
          1,
          1 << 16,
          "connections to it at most; requests beyond wait for one");
  static final Key<Integer> UPSTREAM_BESIDE_REQUESTS =
      KEYS.number(
          "upstream.beside-requests",
          UpstreamConfig.DEFAULT_BESIDE_REQUESTS,
          1,
          1 << 20,
          "requests that are adapted to or compared beside their answer at a time; others are left"
              + " out and counted");
  static final Key<Long> UPSTREAM_BESIDE_MEMORY =
      KEYS.bytes(
          "upstream.beside-memory",
          UpstreamConfig.DEFAULT_BESIDE_MEMORY,
          "what these may take, as they came and decoded");
  static final Key<Optional<String>> UPSTREAM_AUTHORIZATION =
      KEYS.secret(
          "upstream.authorization",
          "the header `Authorization` for that server, such as `Bearer TOKEN`; without it the"
              + " client's own goes through");

  private AgentKeys() {}

  /** YAML 1.1 reads a bare {@code off} as false. */
  private static String off(String text) {
    return text.equals("false") ? "off" : text;
  }

  private static Optional<Path> folder(String text) {
    Path folder = Path.of(text);
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("expected a folder, found '" + text + "', which is none");
    }
    return Optional.of(folder);
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
}
