package dev.acclimate.streams;

import static dev.acclimate.streams.RecordHeaders.bytes;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/** The records that a batch sends: responses and dead letters, in the order of their requests. */
final class OutgoingRecords {
  /** What keys, headers and framing may add to a value. */
  static final int OVERHEAD = 1 << 20;

  private final StreamConfig.Topics topics;
  private final String method;
  private final int maxBytes;
  private final List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();

  OutgoingRecords(StreamConfig config, String method) {
    this.topics = config.topics();
    this.method = method;
    this.maxBytes = maxValueBytes(config);
  }

  /** The largest value that the producer takes: any answerable request fits as a dead letter. */
  static int maxValueBytes(StreamConfig config) {
    return Math.max(config.batching().maxRecordBytes(), 1 << 20);
  }

  /**
   * Adds a response.
   *
   * @param step how many steps the state has behind it
   * @param answerer which model it is from; null where that goes without saying
   */
  void answer(
      ConsumerRecord<byte[], byte[]> request,
      InferenceResponse response,
      long step,
      @Nullable Answerer answerer)
      throws InvalidRecordException {
    if (response.value().length > maxBytes) {
      throw new InvalidRecordException(
          DeadLetterReason.RESPONSE,
          "expected a response of at most "
              + maxBytes
              + " bytes, found "
              + response.value().length);
    }
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topics.out(), request.key(), response.value());
    Headers headers = record.headers();
    headers.add("acclimate-method", bytes(method));
    headers.add("acclimate-step", bytes(Long.toString(step)));
    if (answerer != null) {
      headers.add("acclimate-answer", bytes(answerer.tag()));
    }
    if (response.binary()) {
      headers.add(RecordHeaders.HEADER_LENGTH, bytes(Integer.toString(response.headerLength())));
    }
    TraceContext.pass(request.headers(), headers);
    records.add(record);
  }

  void refuse(ConsumerRecord<byte[], byte[]> request, InvalidRecordException why) {
    records.add(deadLetter(topics.deadLetter(), maxBytes, request, why));
  }

  /**
   * A record with its headers, the reason why it is dead and where it came from.
   *
   * @param maxBytes the largest value that the producer takes; a larger one is left out
   */
  static ProducerRecord<byte[], byte[]> deadLetter(
      String topic, int maxBytes, ConsumerRecord<byte[], byte[]> dead, InvalidRecordException why) {
    byte[] value = dead.value();
    String reason = why.reason().tag() + ": " + why.getMessage();
    if (value != null && value.length > maxBytes) {
      reason += " (the value is left out here: it is larger than the producer sends)";
      value = null;
    }
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, dead.key(), value);
    Headers headers = record.headers();
    dead.headers().forEach(headers::add);
    headers.add("acclimate-reason", bytes(reason));
    headers.add("acclimate-origin-topic", bytes(dead.topic()));
    headers.add("acclimate-origin-partition", bytes(Integer.toString(dead.partition())));
    headers.add("acclimate-origin-offset", bytes(Long.toString(dead.offset())));
    return record;
  }

  List<ProducerRecord<byte[], byte[]>> records() {
    return records;
  }
}
