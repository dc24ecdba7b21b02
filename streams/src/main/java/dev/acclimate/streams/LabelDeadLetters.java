package dev.acclimate.streams;

import java.time.Duration;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends feedback that cannot be read to the dead-letter topic, by a producer that is opened for the
 * first of it. A record that cannot be sent is told of in the log and given up: labels that can be
 * read matter more. Used by one thread.
 */
final class LabelDeadLetters implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LabelDeadLetters.class);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(3);

  private final StreamConfig config;
  private final FeedbackClients clients;
  private @Nullable Producer<byte[], byte[]> producer;

  LabelDeadLetters(StreamConfig config, FeedbackClients clients) {
    this.config = config;
    this.clients = clients;
  }

  void send(ConsumerRecord<byte[], byte[]> dead, InvalidRecordException why) {
    String origin = dead.topic() + "-" + dead.partition() + " at " + dead.offset();
    log.debug("dead letter of {}: {}", origin, why.getMessage());
    try {
      Producer<byte[], byte[]> current = producer;
      if (current == null) {
        current = clients.openProducer(config);
        producer = current;
      }
      int maxBytes = OutgoingRecords.maxValueBytes(config);
      var unused =
          current.send(
              OutgoingRecords.deadLetter(config.topics().deadLetter(), maxBytes, dead, why),
              (metadata, failure) -> {
                if (failure != null) {
                  lost(origin, failure);
                }
              });
    } catch (KafkaException e) {
      lost(origin, e);
    }
  }

  private void lost(String origin, Exception why) {
    log.warn(
        "the feedback of {} cannot be read, nor sent to {}: {}",
        origin,
        config.topics().deadLetter(),
        why.toString());
  }

  @Override
  public void close() {
    if (producer != null) {
      producer.close(CLOSE_TIMEOUT);
    }
  }
}
