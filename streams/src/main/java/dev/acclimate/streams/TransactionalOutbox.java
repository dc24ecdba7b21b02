package dev.acclimate.streams;

import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits a batch's records and offsets in one transaction. After a failed commit the outbox must
 * be {@linkplain #reset reset}, which leaves no transaction open or in doubt at the broker.
 */
final class TransactionalOutbox implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TransactionalOutbox.class);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

  private final KafkaClients clients;
  private final StreamConfig config;
  private final StreamMeters meters;
  private @Nullable Producer<byte[], byte[]> producer;
  private @Nullable KafkaClientMetrics clientMetrics;
  private boolean open;

  TransactionalOutbox(KafkaClients clients, StreamConfig config, StreamMeters meters) {
    this.clients = clients;
    this.config = config;
    this.meters = meters;
  }

  /** Sends and commits, or throws and leaves the transaction to {@link #reset}. */
  void commit(
      List<ProducerRecord<byte[], byte[]>> records,
      Map<TopicPartition, OffsetAndMetadata> offsets,
      ConsumerGroupMetadata group) {
    Producer<byte[], byte[]> current = producer;
    if (current == null) {
      throw new IllegalStateException("no producer: reset first");
    }
    open = true;
    current.beginTransaction();
    for (ProducerRecord<byte[], byte[]> record : records) {
      // a failed send fails the commit, which is where it is heard of
      var unused = current.send(record);
    }
    current.sendOffsetsToTransaction(offsets, group);
    current.commitTransaction();
    open = false;
  }

  /**
   * Gives up the open transaction. Where the producer cannot, because it was fenced or never heard
   * how its commit ended, a new one takes over its transactional id: that makes the broker abort
   * what is open and finish what was prepared.
   */
  void reset() {
    Producer<byte[], byte[]> current = producer;
    if (current != null && open) {
      meters.rolledBack();
      try {
        current.abortTransaction();
        open = false;
        return;
      } catch (RuntimeException e) {
        log.debug("abort failed, opening a new producer", e);
        close(Duration.ZERO);
      }
    }
    if (producer == null) {
      Producer<byte[], byte[]> fresh = clients.openProducer(config);
      producer = fresh;
      try {
        fresh.initTransactions();
      } catch (RuntimeException e) {
        close(Duration.ZERO);
        throw e;
      }
      clientMetrics = meters.bind(fresh);
    }
  }

  /** Asks the broker about a topic, which fails when there is none. */
  void requireTopic(String topic) {
    Producer<byte[], byte[]> current = producer;
    if (current != null) {
      var unused = current.partitionsFor(topic);
    }
  }

  private void close(Duration timeout) {
    if (clientMetrics != null) {
      clientMetrics.close();
      clientMetrics = null;
    }
    Producer<byte[], byte[]> current = producer;
    producer = null;
    open = false;
    if (current != null) {
      try {
        current.close(timeout);
      } catch (RuntimeException e) {
        log.debug("closing the producer", e);
      }
    }
  }

  @Override
  public void close() {
    Producer<byte[], byte[]> current = producer;
    if (current != null && open) {
      try {
        // left open, it would hold up the readers of the topics until it times out
        current.abortTransaction();
      } catch (RuntimeException e) {
        log.debug("abort failed", e);
      }
    }
    close(CLOSE_TIMEOUT);
  }
}
