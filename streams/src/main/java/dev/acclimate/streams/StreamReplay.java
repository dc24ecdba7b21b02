package dev.acclimate.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
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
   * Sends all samples and waits until Kafka has them.
   *
   * @param perSecond samples a second, 0 for as fast as Kafka takes them
   * @param progress told after every sample how many were sent
   * @return how many were sent
   */
  public long send(Iterator<LabelledSample> samples, double perSecond, LongConsumer progress) {
    long start = System.nanoTime();
    long sent = 0;
    while (samples.hasNext() && failure.get() == null) {
      if (perSecond > 0) {
        waitUntil(start + Math.round(sent * 1e9 / perSecond));
      }
      if (Thread.currentThread().isInterrupted()) {
        break;
      }
      send(samples.next());
      progress.accept(++sent);
    }
    producer.flush();
    Exception failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException(
          "cannot send to " + requests + ": " + failed.getMessage(), failed);
    }
    return sent;
  }

  private static void waitUntil(long nanos) {
    long left;
    while ((left = nanos - System.nanoTime()) > 0 && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(left);
    }
  }

  private void send(LabelledSample sample) {
    long number = counts.merge(sample.stream(), 1L, Long::sum) - 1;
    String id = sample.stream() + "-" + number;
    byte[] key = sample.stream().getBytes(StandardCharsets.UTF_8);
    ProducerRecord<byte[], byte[]> record =
        encoder.encode(id, sample.values()).toRecord(requests, null, key);
    record.headers().add("domain", sample.domain().getBytes(StandardCharsets.UTF_8));
    send(record);
    if (feedback != null) {
      send(new ProducerRecord<>(feedback, key, label(id, sample.label())));
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
