package dev.acclimate.streams;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.TopicPartition;

/**
 * Gives all partitions to one member, the one that has them already if it is still there, so that
 * the state of the model as a whole has one owner. The others stand by. Public for the Kafka
 * client, which makes it by its name.
 */
public final class SoleOwnerAssignor implements ConsumerPartitionAssignor {

  @Override
  public String name() {
    return "acclimate-sole-owner";
  }

  @Override
  public GroupAssignment assign(Cluster metadata, GroupSubscription group) {
    Map<String, Subscription> members = group.groupSubscription();
    String owner =
        members.entrySet().stream()
            .min(
                Comparator.<Map.Entry<String, Subscription>>comparingInt(
                        member -> -member.getValue().ownedPartitions().size())
                    .thenComparing(member -> member.getValue().groupInstanceId().orElse(""))
                    .thenComparing(Map.Entry::getKey))
            .map(Map.Entry::getKey)
            .orElse("");
    Map<String, Assignment> assignments = new HashMap<>();
    members.forEach(
        (member, subscription) ->
            assignments.put(
                member,
                new Assignment(
                    member.equals(owner) ? partitions(metadata, subscription) : List.of())));
    return new GroupAssignment(assignments);
  }

  private static List<TopicPartition> partitions(Cluster metadata, Subscription subscription) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : subscription.topics()) {
      metadata
          .partitionsForTopic(topic)
          .forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
    }
    return partitions;
  }
}
