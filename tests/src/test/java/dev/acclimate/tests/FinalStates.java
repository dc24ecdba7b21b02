package dev.acclimate.tests;

import dev.acclimate.streams.journal.JournalKey;
import dev.acclimate.streams.journal.JournalReader;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The states that a group has left in its journal when its agents stopped. */
final class FinalStates {
  private FinalStates() {}

  /** The latest state, all bytes of it, by lane and stream. */
  static Map<String, ByteBuffer> of(AgentProcess.Group group) {
    Map<String, ByteBuffer> states = new TreeMap<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", group.bootstrap(), "isolation.level", "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      JournalReader journal = new JournalReader(consumer, group.state(), group.name());
      for (int partition = 0; partition < journal.partitions(); partition++) {
        journal.read(
            partition,
            0,
            entry -> {
              JournalKey key = entry.key();
              if (key.kind() == JournalKey.Kind.STATE) {
                states.put(key.lane() + " " + key.subject(), ByteBuffer.wrap(entry.value()));
              }
              return true;
            });
      }
    }
    return states;
  }
}
