package dev.acclimate.streams;

import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
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
  private StreamMeters meters;
  private @Nullable Producer<byte[], byte[]> producer;
  private @Nullable KafkaClientMetrics clientMetrics;
  private boolean open;

  TransactionalOutbox(KafkaClients clients, StreamConfig config, StreamMeters meters) {
    this.clients = clients;
    this.config = config;
    this.meters = meters;
  }

  /** Counts with other meters from now on. */
  void countWith(StreamMeters changed) {
    if (clientMetrics != null) {
      clientMetrics.close();
      clientMetrics = null;
    }
    meters = changed;
    if (producer != null) {
      clientMetrics = meters.bind(producer);
    }
  }

  /** Begins a transaction; what fails in it is left to {@link #reset}. */
  void begin() {
    Producer<byte[], byte[]> current = current();
    open = true;
    current.beginTransaction();
  }

  /** Sends records; one that fails makes the commit fail, which is where it is heard of. */
  void send(List<ProducerRecord<byte[], byte[]>> records) {
    Producer<byte[], byte[]> current = current();
    for (ProducerRecord<byte[], byte[]> record : records) {
      var unused = current.send(record);
    }
  }

  /** Sends records; the offset of the first of them is known when the future is done. */
  Future<RecordMetadata> sendTraced(List<ProducerRecord<byte[], byte[]>> records) {
    Future<RecordMetadata> first = current().send(records.get(0));
    send(records.subList(1, records.size()));
    return first;
  }

  /** Waits until all that was sent is at the broker. */
  void flush() {
    current().flush();
  }

  /** The offset of a record that is at the broker. */
  static long offset(Future<RecordMetadata> sent) {
    try {
      return sent.get().offset();
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new KafkaException(e);
    }
  }

  void commit(Map<TopicPartition, OffsetAndMetadata> offsets, ConsumerGroupMetadata group) {
    Producer<byte[], byte[]> current = current();
    current.sendOffsetsToTransaction(offsets, group);
    current.commitTransaction();
    open = false;
  }

  private Producer<byte[], byte[]> current() {
    Producer<byte[], byte[]> current = producer;
    if (current == null) {
      throw new IllegalStateException("no producer: reset first");
    }
    return current;
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
