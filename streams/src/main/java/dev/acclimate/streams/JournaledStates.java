package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.journal.BatchBoundary;
import dev.acclimate.streams.journal.Checkpoint;
import dev.acclimate.streams.journal.Checkpoint.Mark;
import dev.acclimate.streams.journal.Control;
import dev.acclimate.streams.journal.JournalEntry;
import dev.acclimate.streams.journal.JournalKey;
import dev.acclimate.streams.journal.JournalReader;
import dev.acclimate.streams.journal.JournalWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * A group's states as its state topic tells of them, for operators: whether processors of the group
 * run or not. Not thread-safe.
 */
public final class JournaledStates implements AutoCloseable {
  private static final long TIMEOUT_SECONDS = 15;
  private static final String INSTANCE = "operator";

  private final StreamConfig config;
  private final String topic;
  private final KafkaClients clients = KafkaClients.real();
  private final Consumer<byte[], byte[]> consumer;
  private final JournalReader reader;

  /**
   * A stream.
   *
   * @param lane the log that its state is folded over: {@code topic-partition}, or {@code topic}
   *     where the model as a whole has one state
   * @param journal the partition of the state topic where the lane's journal lies
   * @param stream names it among the lane's streams
   * @param variant the model, by the first digits of its digest, and the method that the state
   *     belongs to
   * @param sequence batches committed in the lane
   * @param steps how many steps the state had behind it as of the last batch
   * @param batches how many batches came since the snapshot
   * @param snapshot where the state was last written; null where the stream is as it started, or
   *     has come since the lane's last checkpoint
   */
  public record JournaledState(
      String lane,
      int journal,
      String stream,
      String variant,
      long sequence,
      long steps,
      int batches,
      @Nullable Snapshot snapshot) {

    /** What people see of the stream: its key, or in brackets what there is in place of one. */
    public String display() {
      return JournalKey.display(stream);
    }

    /** True when {@code text} is the stream's key, or what {@link #display} shows of it. */
    public boolean isOf(String text) {
      return JournalKey.streamOf(text).equals(stream) || display().equals(text);
    }
  }

  /**
   * A state as it was written.
   *
   * @param offset where in the journal
   * @param timestamp when, milliseconds since 1970
   * @param bytes its size
   */
  public record Snapshot(long offset, long timestamp, long bytes) {}

  /**
   * A reset that was asked for.
   *
   * @param lane which lane's
   * @param journal the partition of the state topic where the lane's journal lies
   * @param offset where the request lies there
   * @param readUpTo up to where no answer to it was found
   */
  public record ControlRequest(String lane, int journal, long offset, long readUpTo) {}

  private JournaledStates(StreamConfig config, String topic) {
    this.config = config;
    this.topic = topic;
    this.consumer = clients.openReader(config.withInstance(INSTANCE));
    this.reader = new JournalReader(consumer, topic, config.group());
  }

  /**
   * Connects to the cluster that holds the group's state topic.
   *
   * @throws InvalidInputException when the configuration names none, or there is none of that name
   * @throws IllegalStateException when no broker answers
   */
  public static JournaledStates open(StreamConfig config) {
    String topic = config.topics().state();
    if (topic == null) {
      throw new InvalidInputException(
          "kafka.topics.state: expected the topic that the agent keeps its states in, found none");
    }
    JournaledStates states = new JournaledStates(config, topic);
    try {
      if (states.partitions() == 0) {
        throw new InvalidInputException(
            "kafka.topics.state: expected a topic, found none called '" + topic + "'");
      }
      return states;
    } catch (RuntimeException e) {
      states.close();
      throw e;
    }
  }

  private int partitions() {
    try {
      return reader.partitions();
    } catch (org.apache.kafka.common.errors.TimeoutException e) {
      throw new IllegalStateException("no answer from " + config.bootstrap(), e);
    }
  }

  /** All streams that the journal knows of, as of the last batch that was committed. */
  public List<JournaledState> list() {
    List<JournaledState> all = new ArrayList<>();
    int partitions = partitions();
    for (int journal = 0; journal < partitions; journal++) {
      Map<String, Journaled> lanes = new LinkedHashMap<>();
      Map<Long, Snapshot> snapshots = new HashMap<>();
      reader.read(
          journal,
          0,
          entry -> {
            if (entry.key().kind() == JournalKey.Kind.STATE) {
              snapshots.put(
                  entry.offset(),
                  new Snapshot(entry.offset(), entry.timestamp(), entry.value().length));
            }
            lanes.compute(entry.key().lane(), (lane, before) -> Journaled.with(before, entry));
            return true;
          });
      for (Map.Entry<String, Journaled> lane : lanes.entrySet()) {
        all.addAll(lane.getValue().streams(lane.getKey(), journal, snapshots));
      }
    }
    return all;
  }

  /** A lane from its latest checkpoint on. */
  private record Journaled(String variant, LaneTail tail) {

    /** Null as long as no checkpoint came. */
    static @Nullable Journaled with(@Nullable Journaled before, JournalEntry entry) {
      if (entry.key().kind() == JournalKey.Kind.CHECKPOINT) {
        Journaled fresh =
            new Journaled(entry.checkpoint().variant(), new LaneTail(entry.key().lane()));
        fresh.tail.add(entry);
        return fresh;
      }
      if (before != null) {
        before.tail.add(entry);
      }
      return before;
    }

    List<JournaledState> streams(String lane, int journal, Map<Long, Snapshot> snapshots) {
      Map<String, Mark> marks = new LinkedHashMap<>(tail.marks());
      Map<String, Integer> batches = new HashMap<>();
      Map<String, Long> steps = new HashMap<>();
      for (BatchBoundary boundary : tail.boundaries()) {
        marks.putIfAbsent(boundary.stream(), new Mark(Checkpoint.INITIAL, 0, -1));
        batches.merge(boundary.stream(), 1, Integer::sum);
        steps.put(boundary.stream(), boundary.step());
      }
      List<JournaledState> streams = new ArrayList<>();
      marks.forEach(
          (stream, mark) ->
              streams.add(
                  new JournaledState(
                      lane,
                      journal,
                      stream,
                      variant,
                      tail.sequence(),
                      steps.getOrDefault(stream, mark.step()),
                      batches.getOrDefault(stream, 0),
                      snapshots.get(mark.snapshot()))));
      return streams;
    }
  }

  /**
   * A stream's state as of its latest snapshot, in the safetensors format.
   *
   * @throws InvalidInputException when there is no snapshot, or no more
   */
  public byte[] read(JournaledState state) {
    Snapshot snapshot = state.snapshot();
    if (snapshot == null) {
      throw new InvalidInputException(
          "stream "
              + state.display()
              + " of "
              + state.lane()
              + ": expected a snapshot, found none"
              + (state.batches() > 0
                  ? " yet: " + state.batches() + " batches since its start"
                  : ": it is as it started"));
    }
    return reader
        .at(state.journal(), snapshot.offset())
        .map(JournalEntry::value)
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "stream "
                        + state.display()
                        + " of "
                        + state.lane()
                        + ": a later snapshot took the place of the one at offset "
                        + snapshot.offset()
                        + " meanwhile: try again"));
  }

  /**
   * Asks the processor that holds these streams' lanes to start them anew. One that does not run
   * does so when it starts again.
   *
   * @param states the streams
   * @param wholeLanes asks for all streams of their lanes, also those that the journal does not
   *     know of yet
   */
  public List<ControlRequest> requestReset(List<JournaledState> states, boolean wholeLanes) {
    return request(
        states,
        streams ->
            wholeLanes
                ? List.of(JournalKey.ALL)
                : streams.stream().map(JournaledState::stream).toList(),
        Control.reset());
  }

  /**
   * Asks the agents that have the lanes of these states to go on with another method.
   *
   * @param method with its options
   */
  public List<ControlRequest> requestSwitch(List<JournaledState> states, String method) {
    return request(states, streams -> List.of(JournalKey.ALL), Control.switchTo(method));
  }

  private List<ControlRequest> request(
      List<JournaledState> states,
      Function<List<JournaledState>, List<String>> subjects,
      Control control) {
    Map<String, List<JournaledState>> lanes = new LinkedHashMap<>();
    states.forEach(s -> lanes.computeIfAbsent(s.lane(), lane -> new ArrayList<>()).add(s));
    List<ControlRequest> requests = new ArrayList<>();
    try (Producer<byte[], byte[]> producer = openProducer()) {
      lanes.forEach(
          (lane, streams) -> {
            int journal = streams.get(0).journal();
            JournalWriter writer = new JournalWriter(topic, journal, config.group(), lane);
            long last = -1;
            for (String subject : subjects.apply(streams)) {
              List<ProducerRecord<byte[], byte[]>> records = writer.control(subject, control);
              last = TransactionalOutbox.offset(producer.send(records.get(0)));
            }
            requests.add(new ControlRequest(lane, journal, last, last));
          });
    }
    return requests;
  }

  /** A producer without transactions: their id would push the running processor out. */
  private Producer<byte[], byte[]> openProducer() {
    Map<String, Object> settings = config.kafkaSettings("producer");
    settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
    settings.put(
        ProducerConfig.CLIENT_ID_CONFIG,
        config.withInstance(INSTANCE).transactionalId() + "-producer");
    settings.put(ProducerConfig.ACKS_CONFIG, "all");
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Those of the requests that no checkpoint tells of as obeyed yet. */
  public List<ControlRequest> unobeyed(List<ControlRequest> requests) {
    List<ControlRequest> unobeyed = new ArrayList<>();
    for (ControlRequest request : requests) {
      long end = reader.end(request.journal());
      boolean[] obeyed = new boolean[1];
      reader.read(
          request.journal(),
          request.readUpTo(),
          entry -> {
            obeyed[0] =
                entry.key().kind() == JournalKey.Kind.CHECKPOINT
                    && entry.key().lane().equals(request.lane())
                    && entry.checkpoint().control() > request.offset();
            return !obeyed[0];
          });
      if (!obeyed[0]) {
        unobeyed.add(
            new ControlRequest(
                request.lane(),
                request.journal(),
                request.offset(),
                Math.max(end, request.readUpTo())));
      }
    }
    return unobeyed;
  }

  /** How many processors the group has; one that was killed counts for some seconds still. */
  public int processors() {
    try (Admin admin = clients.openAdmin(config.withInstance(INSTANCE))) {
      return admin
          .describeConsumerGroups(List.of(config.group()))
          .all()
          .get(TIMEOUT_SECONDS, TimeUnit.SECONDS)
          .values()
          .stream()
          .mapToInt(group -> group.members().size())
          .sum();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GroupIdNotFoundException) {
        return 0;
      }
      throw e.getCause() instanceof RuntimeException cause ? cause : new KafkaException(e);
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer from " + config.bootstrap(), e);
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
