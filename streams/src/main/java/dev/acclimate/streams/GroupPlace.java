package dev.acclimate.streams;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.errors.InterruptException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An instance's place in its group. Under the broker-side protocol a member that died without
 * leaving keeps its place, and its partitions, until its session has run out (45 seconds); whoever
 * comes under its name removes it first. A live one of that name is told so, and fails.
 */
final class GroupPlace {
  private static final Logger log = LoggerFactory.getLogger(GroupPlace.class);
  private static final long TIMEOUT_SECONDS = 15;

  private GroupPlace() {}

  static void free(Admin admin, StreamConfig config) {
    Object named =
        config
            .kafkaSettings("consumer")
            .getOrDefault(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, config.transactionalId());
    try {
      admin
          .removeMembersFromConsumerGroup(
              config.group(),
              new RemoveMembersFromConsumerGroupOptions(
                  Set.of(new MemberToRemove(named.toString()))))
          .all()
          .get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      log.info("removed an earlier {} from group {}", named, config.group());
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } catch (ExecutionException | TimeoutException e) {
      // most often there was none; where removal is not possible, its session runs out
      log.debug("no earlier {} removed from {}: {}", named, config.group(), e.toString());
    }
  }

  /** The same configuration with the protocol of brokers before Kafka 4. */
  static StreamConfig classic(StreamConfig config) {
    Map<String, String> settings = new HashMap<>(config.kafka());
    settings.put("consumer." + ConsumerConfig.GROUP_PROTOCOL_CONFIG, KafkaClients.CLASSIC);
    log.info(
        "the brokers do not offer the group protocol of Kafka 4: {} takes the classic one",
        config.transactionalId());
    return config.withKafka(settings);
  }
}
