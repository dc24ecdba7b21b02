package dev.acclimate.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.streams.journal.Control;
import dev.acclimate.streams.journal.JournalEntry;
import dev.acclimate.streams.journal.JournalKey;
import dev.acclimate.streams.journal.JournalReader;
import dev.acclimate.streams.journal.JournalWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JournalChunksTest {
  private static final int CHUNK = 768 << 10;

  private final StreamFixture fixture = new StreamFixture(2);
  private final String topic = String.valueOf(fixture.config.topics().state());
  private final JournalWriter writer = new JournalWriter(topic, 1, "g", "in-1");
  private final Consumer<byte[], byte[]> consumer = KafkaClients.real().openReader(fixture.config);
  private final JournalReader reader = new JournalReader(consumer, topic, "g");
  private final KafkaProducer<byte[], byte[]> producer =
      new KafkaProducer<>(
          Map.of("bootstrap.servers", fixture.config.bootstrap()),
          new ByteArraySerializer(),
          new ByteArraySerializer());

  @AfterEach
  void close() {
    producer.close();
    consumer.close();
    fixture.close();
  }

  private void send(List<ProducerRecord<byte[], byte[]>> records) {
    records.forEach(producer::send);
    producer.flush();
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  @Test
  void valuesOfAnySizeComeBackWhole() {
    int[] sizes = {0, 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17};
    List<Integer> records = new ArrayList<>();
    for (int size : sizes) {
      List<ProducerRecord<byte[], byte[]>> made = writer.state("v", "=s" + size, random(size));
      records.add(made.size());
      send(made);
    }

    List<JournalEntry> read = new ArrayList<>();
    reader.read(1, 0, read::add);

    assertThat(records).containsExactly(1, 1, 1, 2, 3, 4);
    assertThat(read).hasSize(sizes.length);
    for (int i = 0; i < sizes.length; i++) {
      JournalEntry entry = read.get(i);
      assertThat(entry.key())
          .isEqualTo(new JournalKey("g", "in-1", JournalKey.Kind.STATE, "v", "=s" + sizes[i]));
      assertThat(entry.value()).isEqualTo(random(sizes[i]));
      assertThat(reader.at(1, entry.offset()).orElseThrow().value()).isEqualTo(random(sizes[i]));
    }
  }

  @Test
  void otherWritersMayComeBetween() {
    List<ProducerRecord<byte[], byte[]>> large = writer.state("v", "=s", random(2 * CHUNK));
    send(large.subList(0, 1));
    send(new JournalWriter(topic, 1, "other", "in-1").state("v", "=s", random(CHUNK + 1)));
    send(writer.control("=s", Control.reset()));
    send(List.of(new ProducerRecord<>(topic, 1, "no key of ours".getBytes(UTF_8), new byte[1])));
    send(large.subList(1, 2));

    List<JournalEntry> read = new ArrayList<>();
    reader.read(1, 0, read::add);

    assertThat(read)
        .extracting(entry -> entry.key().kind())
        .containsExactly(JournalKey.Kind.CONTROL, JournalKey.Kind.STATE);
    assertThat(read.get(1).value()).isEqualTo(random(2 * CHUNK));
  }

  @Test
  void theRestOfAValueWhoseStartIsGoneIsNone() {
    List<ProducerRecord<byte[], byte[]>> large = writer.state("v", "=s", random(2 * CHUNK));
    send(large.subList(1, 2));
    send(writer.state("v", "=t", random(3)));

    List<JournalEntry> read = new ArrayList<>();
    reader.read(1, 0, read::add);

    assertThat(read).extracting(entry -> entry.key().subject()).containsExactly("=t");
    assertThat(reader.at(1, 0)).isEmpty();
  }
}
