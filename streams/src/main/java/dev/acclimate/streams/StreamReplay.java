package dev.acclimate.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends labelled samples into Kafka the way a camera or a device would: a request per sample, keyed
 * by its stream, with the sample's domain in the header {@code domain}; and, where a feedback topic
 * is named, the label as {@code {"id": ..., "label": ...}} under the same key.
 *
 * <p>The request id is the stream's name and the number of the sample within it, so replaying the
 * same samples gives the same records. Not thread-safe.
 *
 * <p>Records carry the time at which they are sent. In a replay that is faster or slower than what
 * it replays they carry the times of that instead, since an agent's batches close by the records'
 * timestamps ({@link StreamConfig.Batching#delay}): it then makes the batches that it would have
 * made. No timestamp lies ahead of the clock, which brokers refuse beyond an hour: of a fast replay
 * the last record carries the time at which it is due, and those before it lie in the past. A
 * broker that stamps records itself ({@code message.timestamp.type=LogAppendTime}) undoes this.
 */
public final class StreamReplay implements AutoCloseable {
  private static final JsonFactory JSON = new JsonFactory();

  /**
   * A sample on its way into a stream.
   *
   * @param stream the key: which camera or device
   * @param values the input's values
   * @param label the class it should be given
   * @param domain the shift it comes from, such as {@code gaussian_noise/5}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record LabelledSample(String stream, float[] values, long label, String domain) {}

  /**
   * When samples are sent.
   *
   * @param arrivals nanoseconds from the start at which the next one arrives, none before the last
   * @param length nanoseconds from the start to the last arrival
   * @param speed how many times faster than that they are sent; above 0
   */
  public record Timetable(LongSupplier arrivals, long length, double speed) {
    /** As fast as Kafka takes them. */
    public static final Timetable AT_ONCE = new Timetable(() -> 0, 0, 1);

    /**
     * Milliseconds since 1970 that an arrival at 0 is stamped with.
     *
     * @param now the same at the start
     */
    long origin(long now) {
      double ahead = length / 1e6 * (1 - 1 / speed);
      return now - Math.round(Math.max(0, ahead));
    }
  }

  /**
   * What was sent.
   *
   * @param samples how many
   * @param behind by how much a sample was sent later than the timetable asks for, at most
   */
  public record Sent(long samples, Duration behind) {}

  /** A wait ends now and then to see whether sending has failed. */
  private static final long LONGEST_PAUSE_NANOS = 100_000_000;

  private final Producer<byte[], byte[]> producer;
  private final RequestEncoder encoder;
  private final String requests;
  private final @Nullable String feedback;
  private final Map<String, Long> counts = new HashMap<>();
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

  StreamReplay(
      Producer<byte[], byte[]> producer,
      RequestEncoder encoder,
      String requests,
      @Nullable String feedback) {
    this.producer = producer;
    this.encoder = encoder;
    this.requests = requests;
    this.feedback = feedback;
  }

  /**
   * Opens a replay into the topic in (and the feedback topic, if it has one) of a stream.
   *
   * @param encoder makes the requests
   */
  public static StreamReplay open(StreamConfig config, RequestEncoder encoder) {
    Map<String, Object> settings = config.kafkaSettings("producer");
    settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
    settings.put(ProducerConfig.ACKS_CONFIG, "all");
    settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, "15000");
    settings.putIfAbsent(
        ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
        Integer.toString(OutgoingRecords.maxValueBytes(config) + OutgoingRecords.OVERHEAD));
    return new StreamReplay(
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer()),
        encoder,
        config.topics().in(),
        config.topics().feedback());
  }

  /**
   * Sends all samples and waits until Kafka has them. A sample that is late is sent at once, and
   * the ones behind it are sent when they are due again: lateness does not add up.
   *
   * @param progress told after every sample how many were sent
   */
  public Sent send(Iterator<LabelledSample> samples, Timetable timetable, LongConsumer progress) {
    long start = System.nanoTime();
    long origin = timetable.origin(System.currentTimeMillis());
    long behind = 0;
    long sent = 0;
    while (samples.hasNext()) {
      long arrival = timetable.arrivals().getAsLong();
      long due = start + Math.round(arrival / timetable.speed());
      // made before it is due, since that takes its time
      LabelledSample sample = samples.next();
      if (!waitUntil(due)) {
        break;
      }
      // what arrives at the very start may take as long as it likes
      behind = Math.max(behind, arrival == 0 ? 0 : System.nanoTime() - due);
      send(sample, timetable.speed() == 1 ? null : origin + arrival / 1_000_000);
      progress.accept(++sent);
    }
    producer.flush();
    Exception failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException(
          "cannot send to " + requests + ": " + failed.getMessage(), failed);
    }
    return new Sent(sent, Duration.ofNanos(behind));
  }

  /** Tells whether to go on. */
  private boolean waitUntil(long nanos) {
    while (failure.get() == null && !Thread.currentThread().isInterrupted()) {
      long left = nanos - System.nanoTime();
      if (left <= 0) {
        return true;
      }
      LockSupport.parkNanos(Math.min(left, LONGEST_PAUSE_NANOS));
    }
    return false;
  }

  private void send(LabelledSample sample, @Nullable Long timestamp) {
    long number = counts.merge(sample.stream(), 1L, Long::sum) - 1;
    String id = sample.stream() + "-" + number;
    byte[] key = sample.stream().getBytes(StandardCharsets.UTF_8);
    ProducerRecord<byte[], byte[]> record =
        encoder.encode(id, sample.values()).toRecord(requests, null, timestamp, key);
    record.headers().add("domain", sample.domain().getBytes(StandardCharsets.UTF_8));
    send(record);
    if (feedback != null) {
      send(new ProducerRecord<>(feedback, null, timestamp, key, label(id, sample.label())));
    }
  }

  private void send(ProducerRecord<byte[], byte[]> record) {
    var unused =
        producer.send(
            record,
            (metadata, thrown) -> {
              if (thrown != null) {
                failure.compareAndSet(null, thrown);
              }
            });
  }

  private static byte[] label(String id, long label) {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("id", id);
      json.writeNumberField("label", label);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  @Override
  public void close() {
    producer.close();
  }
}
