package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link StreamProcessor} reads, writes and waits for.
 *
 * @param bootstrap brokers to find the cluster by, {@code host:port[,host:port...]}
 * @param group consumer group; processors of one group share the partitions of the topic in
 * @param instance tells the processors of a group apart; each must keep its own through restarts,
 *     since {@code group-instance} is the transactional id that fences off an older self
 * @param topics where records come from and go to
 * @param batching how records become batches
 * @param states what has a state of its own, and how states are kept
 * @param modelName {@code model_name} of the responses
 * @param modelVersion {@code model_version} of the responses
 * @param kafka further settings of the Kafka clients; {@code consumer.}, {@code producer.} and
 *     {@code admin.} prefixes reach one of them only
 */
public record StreamConfig(
    String bootstrap,
    String group,
    String instance,
    Topics topics,
    Batching batching,
    StateKeeping states,
    String modelName,
    String modelVersion,
    Map<String, String> kafka) {

  public static final String DEFAULT_INSTANCE = "0";
  public static final String DEFAULT_MODEL_NAME = "model";
  public static final String DEFAULT_MODEL_VERSION = "1";

  /**
   * How records become batches.
   *
   * @param max samples in a full batch, also the most a single record may hold
   * @param delay how long the first record of a batch may wait for the batch to fill
   * @param maxRecordBytes size of a request that is still decoded
   * @param taskHeader the record header that names a sample's task, for methods that balance tasks;
   *     null where the record's key does
   */
  public record Batching(int max, Duration delay, int maxRecordBytes, @Nullable String taskHeader) {
    public static final Duration MOST_DELAY = Duration.ofMinutes(1);
    public static final int DEFAULT_MAX = 64;
    public static final Batching DEFAULT =
        new Batching(DEFAULT_MAX, Duration.ofMillis(50), 16 << 20, null);

    public Batching {
      if (max < 1) {
        throw new InvalidInputException("max batch: expected at least 1 sample, found " + max);
      }
      if (delay.isNegative() || delay.compareTo(MOST_DELAY) > 0) {
        throw new InvalidInputException(
            "max delay: expected 0 to 60 seconds, found " + delay.toMillis() + " ms");
      }
      if (maxRecordBytes < 1 || maxRecordBytes > 1 << 30) {
        throw new InvalidInputException(
            "max record bytes: expected 1 byte to 1 GiB, found " + maxRecordBytes);
      }
    }
  }

  /**
   * How states are kept.
   *
   * @param scope what has a state of its own
   * @param snapshotEvery batches between two snapshots in the journal; 0 for snapshots by size and
   *     time, see {@link dev.acclimate.streams.journal.SnapshotPolicy}
   * @param memoryBytes what the states of all streams may take; the least recently used ones beyond
   *     that wait in the journal
   */
  public record StateKeeping(Scope scope, int snapshotEvery, long memoryBytes) {
    public static final StateKeeping DEFAULT = new StateKeeping(Scope.PARTITION, 0, 256L << 20);
    public static final int MOST_SNAPSHOT_EVERY = 1000;

    public StateKeeping {
      if (snapshotEvery < 0 || snapshotEvery > MOST_SNAPSHOT_EVERY) {
        throw new InvalidInputException(
            "snapshot every: expected 0 (by size and time) to "
                + MOST_SNAPSHOT_EVERY
                + " batches, found "
                + snapshotEvery);
      }
      if (memoryBytes < 1) {
        throw new InvalidInputException(
            "state memory: expected at least 1 byte, found " + memoryBytes);
      }
    }
  }

  /** Settings that delivery exactly once rests on. */
  private static final Set<String> OURS =
      Set.of(
          "bootstrap.servers",
          "group.id",
          "enable.auto.commit",
          "isolation.level",
          "transactional.id",
          "enable.idempotence",
          "acks",
          "key.serializer",
          "value.serializer",
          "key.deserializer",
          "value.deserializer");

  /**
   * Topic names.
   *
   * @param in requests
   * @param out responses
   * @param deadLetter requests that could not be answered
   * @param feedback labels of earlier requests, if any are sent
   * @param state the state journal, if one is kept
   */
  public record Topics(
      String in, String out, String deadLetter, @Nullable String feedback, @Nullable String state) {

    private static final Pattern LEGAL = Pattern.compile("[a-zA-Z0-9._-]{1,249}");

    public Topics {
      require(in, "in");
      require(out, "out");
      require(deadLetter, "dead-letter");
      if (feedback != null) {
        require(feedback, "feedback");
      }
      if (state != null) {
        require(state, "state");
      }
      if (in.equals(out) || in.equals(deadLetter)) {
        throw new InvalidInputException(
            "topics: expected an in topic apart from out and dead-letter, found '"
                + in
                + "' for both");
      }
      if (state != null && List.of(in, out, deadLetter).contains(state)) {
        throw new InvalidInputException(
            "topics: expected a state topic of its own, found '" + state + "' used twice");
      }
    }

    public Topics(String in, String out, String deadLetter) {
      this(in, out, deadLetter, null, null);
    }

    private static void require(String topic, String key) {
      if (!LEGAL.matcher(topic).matches() || topic.equals(".") || topic.equals("..")) {
        throw new InvalidInputException(
            "topics."
                + key
                + ": expected a topic name of letters, digits, '.', '_' and '-', found '"
                + topic
                + "'");
      }
    }
  }

  public StreamConfig {
    requireText(bootstrap, "bootstrap");
    requireText(group, "group");
    requireText(instance, "instance");
    requireText(modelName, "model name");
    requireText(modelVersion, "model version");
    Objects.requireNonNull(topics);
    if (states.scope() == Scope.STREAM && topics.state() == null) {
      throw new InvalidInputException(
          "topics.state: expected a topic, which scope stream needs for its states, found none");
    }
    kafka = Map.copyOf(kafka);
    for (String key : kafka.keySet()) {
      String setting = key.replaceFirst("^(consumer|producer|admin)\\.", "");
      if (OURS.contains(setting)) {
        throw new InvalidInputException(
            "properties: expected settings other than '"
                + setting
                + "', which delivery exactly once needs as the processor sets it");
      }
    }
  }

  private static void requireText(String value, String key) {
    if (value.isBlank()) {
      throw new InvalidInputException(key + ": expected a text, found an empty one");
    }
  }

  /** A configuration with the documented defaults for all the rest. */
  public static StreamConfig of(String bootstrap, String group, Topics topics) {
    return new StreamConfig(
        bootstrap,
        group,
        DEFAULT_INSTANCE,
        topics,
        Batching.DEFAULT,
        StateKeeping.DEFAULT,
        DEFAULT_MODEL_NAME,
        DEFAULT_MODEL_VERSION,
        Map.of());
  }

  public StreamConfig withInstance(String changed) {
    return new StreamConfig(
        bootstrap, group, changed, topics, batching, states, modelName, modelVersion, kafka);
  }

  public StreamConfig withTopics(Topics changed) {
    return new StreamConfig(
        bootstrap, group, instance, changed, batching, states, modelName, modelVersion, kafka);
  }

  public StreamConfig withBatching(Batching changed) {
    return new StreamConfig(
        bootstrap, group, instance, topics, changed, states, modelName, modelVersion, kafka);
  }

  public StreamConfig withBatch(int max, Duration delay) {
    return withBatching(new Batching(max, delay, batching.maxRecordBytes(), batching.taskHeader()));
  }

  public StreamConfig withStates(StateKeeping changed) {
    return new StreamConfig(
        bootstrap, group, instance, topics, batching, changed, modelName, modelVersion, kafka);
  }

  public StreamConfig withModel(String name, String version) {
    return new StreamConfig(
        bootstrap, group, instance, topics, batching, states, name, version, kafka);
  }

  public StreamConfig withKafka(Map<String, String> changed) {
    return new StreamConfig(
        bootstrap, group, instance, topics, batching, states, modelName, modelVersion, changed);
  }

  /** The producer's transactional id. */
  public String transactionalId() {
    return group + "-" + instance;
  }

  /** The further Kafka settings that concern a client, prefixes taken off. */
  Map<String, Object> kafkaSettings(String client) {
    Map<String, Object> settings = new LinkedHashMap<>();
    String prefix = client + ".";
    kafka.forEach(
        (key, value) -> {
          if (!key.matches("(consumer|producer|admin)\\..*")) {
            settings.put(key, value);
          }
        });
    kafka.forEach(
        (key, value) ->
            Optional.of(key)
                .filter(k -> k.startsWith(prefix))
                .ifPresent(k -> settings.put(k.substring(prefix.length()), value)));
    return settings;
  }
}
