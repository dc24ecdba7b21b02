package dev.acclimate.streams;

import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Opens the clients of a processor; tests put clients that fail on purpose in their place. */
interface KafkaClients {
  Consumer<byte[], byte[]> openConsumer(StreamConfig config);

  Producer<byte[], byte[]> openProducer(StreamConfig config);

  /** A consumer outside the group, for the journal and for what is read again. */
  Consumer<byte[], byte[]> openReader(StreamConfig config);

  Admin openAdmin(StreamConfig config);

  static KafkaClients real() {
    return new Real();
  }

  /** Clients of a real cluster. */
  final class Real implements KafkaClients {
    private static final Set<String> GROUP_SETTINGS =
        Set.of(
            ConsumerConfig.GROUP_ID_CONFIG,
            ConsumerConfig.GROUP_INSTANCE_ID_CONFIG,
            ConsumerConfig.GROUP_PROTOCOL_CONFIG,
            ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG,
            ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG,
            ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG,
            ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG);

    @Override
    public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("consumer");
      settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      settings.put(ConsumerConfig.GROUP_ID_CONFIG, config.group());
      settings.putIfAbsent(ConsumerConfig.CLIENT_ID_CONFIG, config.transactionalId() + "-consumer");
      // an instance that comes back after a crash takes its place in the group at once, where a
      // stranger would wait until the dead member's session has run out
      settings.putIfAbsent(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, config.transactionalId());
      settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
      settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
      settings.putIfAbsent(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
      settings.putIfAbsent(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
      // the rest of a poll waits in memory while a batch runs: no more than the next batch needs
      settings.putIfAbsent(
          ConsumerConfig.MAX_POLL_RECORDS_CONFIG, Integer.toString(config.batching().max()));
      if (config.states().scope() == Scope.MODEL) {
        settings.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "classic");
        settings.put(
            ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, SoleOwnerAssignor.class.getName());
      } else if (!"consumer".equals(settings.get(ConsumerConfig.GROUP_PROTOCOL_CONFIG))) {
        // partitions that stay are not revoked, so their states stay warm through a rebalance
        settings.putIfAbsent(
            ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
            CooperativeStickyAssignor.class.getName());
      }
      return new KafkaConsumer<>(
          settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public Consumer<byte[], byte[]> openReader(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("consumer");
      settings.keySet().removeAll(GROUP_SETTINGS);
      settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      settings.put(ConsumerConfig.CLIENT_ID_CONFIG, config.transactionalId() + "-reader");
      // whoever reads here knows that there is something
      settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, "10");
      settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
      settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
      settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
      settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
      return new KafkaConsumer<>(
          settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public Admin openAdmin(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("admin");
      settings.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      return Admin.create(settings);
    }

    @Override
    public Producer<byte[], byte[]> openProducer(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("producer");
      int maxRequest = OutgoingRecords.maxValueBytes(config) + OutgoingRecords.OVERHEAD;
      settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      settings.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, config.transactionalId());
      settings.putIfAbsent(ProducerConfig.CLIENT_ID_CONFIG, config.transactionalId() + "-producer");
      settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
      settings.put(ProducerConfig.ACKS_CONFIG, "all");
      settings.putIfAbsent(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, Integer.toString(maxRequest));
      settings.putIfAbsent(
          ProducerConfig.BUFFER_MEMORY_CONFIG, Long.toString(Math.max(32L << 20, 2L * maxRequest)));
      // a stop waits for a call in flight: give up sooner than Kafka's minute, and try again
      settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, "15000");
      return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }
  }
}
