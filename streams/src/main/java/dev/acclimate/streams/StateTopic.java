package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that the state topic is there and is compacted. A missing one is created with as many
 * partitions as the topic in, so that a partition's state lies in a partition of its own.
 */
final class StateTopic {
  private static final Logger log = LoggerFactory.getLogger(StateTopic.class);
  private static final long TIMEOUT_SECONDS = 15;

  private StateTopic() {}

  static void prepare(Admin admin, StreamConfig config) {
    String topic = config.topics().state();
    if (topic == null) {
      log.warn(
          "no topics.state: what {} learns is lost when it stops or a partition moves",
          config.transactionalId());
      return;
    }
    if (describe(admin, topic).isEmpty()) {
      create(admin, topic, describe(admin, config.topics().in()));
    } else {
      warnUnlessCompacted(admin, topic);
    }
  }

  private static Optional<TopicDescription> describe(Admin admin, String topic) {
    try {
      return Optional.of(get(admin.describeTopics(List.of(topic)).topicNameValues().get(topic)));
    } catch (UnknownTopicOrPartitionException e) {
      return Optional.empty();
    }
  }

  private static void create(Admin admin, String topic, Optional<TopicDescription> in) {
    if (in.isEmpty()) {
      throw new UnknownTopicOrPartitionException(
          "no topic in yet, which tells how to make " + topic);
    }
    int partitions = in.get().partitions().size();
    NewTopic wanted =
        new NewTopic(topic, Optional.of(partitions), Optional.empty())
            .configs(
                Map.of(
                    TopicConfig.CLEANUP_POLICY_CONFIG,
                    TopicConfig.CLEANUP_POLICY_COMPACT,
                    // snapshots follow one another closely: clean early, in smaller pieces
                    TopicConfig.SEGMENT_BYTES_CONFIG,
                    Integer.toString(128 << 20)));
    try {
      get(admin.createTopics(List.of(wanted)).all());
      log.info("created the state topic {}, compacted, {} partitions", topic, partitions);
    } catch (TopicExistsException e) {
      log.debug("{} was created meanwhile", topic);
    } catch (TopicAuthorizationException | ClusterAuthorizationException e) {
      throw new InvalidInputException(
          "topics.state: expected the topic '"
              + topic
              + "' with cleanup.policy=compact, found none and no permission to create it",
          e);
    }
  }

  private static void warnUnlessCompacted(Admin admin, String topic) {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try {
      Config config = get(admin.describeConfigs(List.of(resource)).values().get(resource));
      String policy = config.get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
      if (!policy.contains(TopicConfig.CLEANUP_POLICY_COMPACT)) {
        log.warn(
            "state topic {}: expected cleanup.policy=compact, found {}: states older than its"
                + " retention will be lost",
            topic,
            policy);
      }
    } catch (TopicAuthorizationException e) {
      log.debug("no permission to look at the configuration of {}", topic);
    }
  }

  private static <T> T get(@org.jspecify.annotations.Nullable KafkaFuture<T> future) {
    if (future == null) {
      throw new IllegalStateException("not asked for");
    }
    try {
      return future.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } catch (TimeoutException e) {
      throw new org.apache.kafka.common.errors.TimeoutException(e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new KafkaException(e);
    }
  }
}
