package dev.acclimate.agent.demo;

import dev.acclimate.streams.StreamConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads labels, answers and dead letters back into a scoreboard as any consumer would see them:
 * what was committed, from the beginning of each topic.
 */
final class AnswerReader implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<String, Consumer<Message>> sinks = new HashMap<>();
  private final List<TopicPartition> partitions;
  private final Scoreboard board;

  AnswerReader(
      String bootstrap, String feedback, List<StreamConfig.Topics> methods, Scoreboard board) {
    this.board = board;
    sinks.put(feedback, message -> board.label(message.sample(), message.label()));
    for (int m = 0; m < methods.size(); m++) {
      int method = m;
      sinks.put(
          methods.get(m).out(),
          message -> board.answer(method, message.sample(), message.highestScore()));
      sinks.put(methods.get(m).deadLetter(), message -> board.dead(method, message.sample()));
    }
    partitions = sinks.keySet().stream().map(topic -> new TopicPartition(topic, 0)).toList();
    consumer =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrap,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_committed",
                ConsumerConfig.CLIENT_ID_CONFIG,
                "acclimate-demo-answers"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  /** Reads what has come since, waiting a moment when nothing has. */
  void poll() {
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
      Consumer<Message> sink = sinks.get(record.topic());
      if (sink != null) {
        sink.accept(Message.read(record));
      }
    }
    board.publish();
  }

  /** Reads to the present end of all topics, so that what should not be there is seen too. */
  void drain() {
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, TIMEOUT);
    long patience = System.nanoTime() + TIMEOUT.toNanos();
    while (System.nanoTime() < patience
        && ends.entrySet().stream()
            .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
      poll();
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
