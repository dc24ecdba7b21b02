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
  /** Members' own group protocol, of Kafka before 4. */
  String CLASSIC = "classic";

  /** The group protocol that brokers from 4.0 on lead. */
  String BROKER_SIDE = "consumer";

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
    private static final Set<String> CLASSIC_ONLY =
        Set.of(
            ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG,
            ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG,
            ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG);
    private static final Set<String> GROUP_SETTINGS =
        Set.of(
            ConsumerConfig.GROUP_ID_CONFIG,
            ConsumerConfig.GROUP_INSTANCE_ID_CONFIG,
            ConsumerConfig.GROUP_PROTOCOL_CONFIG,
            ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG,
            ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG);

    @Override
    public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("consumer");
      settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrap());
      settings.put(ConsumerConfig.GROUP_ID_CONFIG, config.group());
      settings.putIfAbsent(ConsumerConfig.CLIENT_ID_CONFIG, config.transactionalId() + "-consumer");
      // an instance that comes back after a crash takes its place in the group at once, where a
      // stranger would wait until the dead member's session has run out, see GroupPlace
      settings.putIfAbsent(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, config.transactionalId());
      settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
      settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
      settings.putIfAbsent(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
      settings.putIfAbsent(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
      // the rest of a poll waits in memory while a batch runs: no more than the next batch needs
      settings.putIfAbsent(
          ConsumerConfig.MAX_POLL_RECORDS_CONFIG, Integer.toString(config.batching().max()));
      String protocol = protocol(config, settings);
      settings.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, protocol);
      if (config.states().scope() == Scope.MODEL) {
        settings.put(
            ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, SoleOwnerAssignor.class.getName());
      } else if (protocol.equals(CLASSIC)) {
        // partitions that stay are not revoked, so their states stay in memory
        settings.putIfAbsent(
            ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
            CooperativeStickyAssignor.class.getName());
      }
      return new KafkaConsumer<>(
          settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** The broker-side protocol, unless something is set that only the classic one knows. */
    private static String protocol(StreamConfig config, Map<String, Object> settings) {
      Object wanted = settings.get(ConsumerConfig.GROUP_PROTOCOL_CONFIG);
      if (config.states().scope() == Scope.MODEL) {
        return CLASSIC; // only there do members choose the assignment
      }
      if (wanted != null) {
        return wanted.toString();
      }
      return settings.keySet().stream().anyMatch(CLASSIC_ONLY::contains) ? CLASSIC : BROKER_SIDE;
    }

    @Override
    public Consumer<byte[], byte[]> openReader(StreamConfig config) {
      Map<String, Object> settings = config.kafkaSettings("consumer");
      settings.keySet().removeAll(GROUP_SETTINGS);
      settings.keySet().removeAll(CLASSIC_ONLY);
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
      // a transaction that begins while the one before is being finished is asked to try again,
      // which takes milliseconds: Kafka's 100 would hold up batch after batch
      settings.putIfAbsent(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, "10");
      // a stop waits for a call in flight: give up sooner than Kafka's minute, and try again
      settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, "15000");
      return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }
  }
}
