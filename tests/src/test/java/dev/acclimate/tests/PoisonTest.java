package dev.acclimate.tests;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.streams.DeadLetterReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Requests of which one in a hundred is poison of some kind, for every kind. */
class PoisonTest {
  private static final int PARTITIONS = 4;
  private static final int REQUESTS = 3000;
  private static final long SEED = 6;

  /** Causes that are not in the request. */
  private static final Set<DeadLetterReason> NOT_OF_REQUESTS =
      EnumSet.of(DeadLetterReason.MODEL_FAILURE, DeadLetterReason.MALFORMED_LABEL);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private BrokerProcess broker;

  /** A dead letter: what was wrong, where it lay, and what it was. */
  private record DeadLetter(
      String reason, String topic, String partition, String offset, @Nullable ByteBuffer value) {

    static DeadLetter of(ConsumerRecord<String, byte[]> record) {
      return new DeadLetter(
          Answers.header(record, "acclimate-reason").replaceFirst(":.*", ""),
          Answers.header(record, "acclimate-origin-topic"),
          Answers.header(record, "acclimate-origin-partition"),
          Answers.header(record, "acclimate-origin-offset"),
          record.value() == null ? null : ByteBuffer.wrap(record.value()));
    }

    static DeadLetter expected(Poison poison, RecordMetadata at) {
      return new DeadLetter(
          poison.reason().tag(),
          at.topic(),
          Integer.toString(at.partition()),
          Long.toString(at.offset()),
          poison.value() == null ? null : ByteBuffer.wrap(poison.value()));
    }
  }

  @BeforeEach
  void start() throws IOException {
    broker = BrokerProcess.start(folder);
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void allGoodOnesAreAnsweredOnceAndAllOthersAreDeadLettersThatTellWhy() throws Exception {
    Map<DeadLetterReason, Poison> kinds = Poison.ofEveryKind();
    assertThat(kinds.keySet()).isEqualTo(EnumSet.complementOf(EnumSet.copyOf(NOT_OF_REQUESTS)));
    AgentProcess.Group group =
        new AgentProcess.Group(folder, broker.bootstrap(), "unmix-tns", "partition", "in", "all");
    broker.createTopics(List.of(RequestLog.topic("in", PARTITIONS)));
    broker.createTopics(group.topics(PARTITIONS));
    List<String> good = new ArrayList<>();
    List<DeadLetter> poisoned = new ArrayList<>();
    send(kinds.values(), good, poisoned);

    try (AgentProcess agent = group.start("one");
        TopicReader out = new TopicReader(broker.bootstrap(), group.out());
        TopicReader dead = new TopicReader(broker.bootstrap(), group.deadLetter())) {
      out.readUntil(good.size(), agent::requireRunning);
      dead.readUntil(poisoned.size(), agent::requireRunning);
      out.settle();
      dead.settle();

      assertThat(out.records()).extracting(Answers::id).containsExactlyInAnyOrderElementsOf(good);
      assertThat(dead.records())
          .extracting(DeadLetter::of)
          .containsExactlyInAnyOrderElementsOf(poisoned);
    }
  }

  /** Sends good requests and poison in random order, and notes what should become of them. */
  private void send(Iterable<Poison> kinds, List<String> good, List<DeadLetter> poisoned)
      throws Exception {
    Poison[] places = new Poison[REQUESTS];
    int filled = 0;
    for (Poison kind : kinds) {
      Arrays.fill(places, filled, filled + REQUESTS / 100, kind);
      filled += REQUESTS / 100;
    }
    List<Poison> order = Arrays.asList(places);
    Collections.shuffle(order, new Random(SEED));
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap()),
            new StringSerializer(),
            new ByteArraySerializer())) {
      for (int number = 0; number < REQUESTS; number++) {
        int partition = number % PARTITIONS;
        Poison poison = order.get(number);
        if (poison == null) {
          String id = "good-" + number;
          good.add(id);
          byte[] value = Poison.json(id, number / (float) REQUESTS).getBytes(UTF_8);
          sent.add(producer.send(new ProducerRecord<>("in", partition, "device", value)));
        } else {
          sent.add(producer.send(poison.record("in", partition, "device")));
        }
      }
    }
    for (int number = 0; number < REQUESTS; number++) {
      Poison poison = order.get(number);
      if (poison != null) {
        poisoned.add(DeadLetter.expected(poison, sent.get(number).get()));
      }
    }
  }
}
