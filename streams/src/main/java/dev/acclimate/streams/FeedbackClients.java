package dev.acclimate.streams;

import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Opens the clients of a {@link FeedbackReader}; tests put clients that fail in their place. */
interface FeedbackClients {
  Consumer<byte[], byte[]> openConsumer(StreamConfig config);

  Producer<byte[], byte[]> openProducer(StreamConfig config);

  static FeedbackClients real() {
    return new Real();
  }

  /** Clients of a real cluster. */
  final class Real implements FeedbackClients {

    @Override
    public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("consumer");
      settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      settings.put(ConsumerConfig.GROUP_ID_CONFIG, config.group() + "-feedback");
      // the processor's own is for its place in its group; here partitions are assigned by hand
      settings.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
      settings.put(ConsumerConfig.CLIENT_ID_CONFIG, config.transactionalId() + "-feedback");
      settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
      settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
      settings.putIfAbsent(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
      // a group that has committed before may refuse a reset, this one begins without a commit
      settings.replace(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none", "earliest");
      settings.putIfAbsent(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
      settings.putIfAbsent(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, "15000");
      return new KafkaConsumer<>(
          settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public Producer<byte[], byte[]> openProducer(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("producer");
      settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      settings.put(
          ProducerConfig.CLIENT_ID_CONFIG, config.transactionalId() + "-feedback-dead-letters");
      settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
      settings.put(ProducerConfig.ACKS_CONFIG, "all");
      settings.putIfAbsent(
          ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
          Integer.toString(OutgoingRecords.maxValueBytes(config) + OutgoingRecords.OVERHEAD));
      // labels are held up while a send waits for the cluster
      settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, "5000");
      return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }
  }
}
