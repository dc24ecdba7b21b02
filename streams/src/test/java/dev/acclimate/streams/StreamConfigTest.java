package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.acclimate.models.InvalidInputException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StreamConfigTest {
  private static final StreamConfig GOOD =
      StreamConfig.of("localhost:9092", "g", new StreamConfig.Topics("in", "out", "dead"));

  @Test
  void hasDocumentedDefaults() {
    assertThat(GOOD.batching().max()).isEqualTo(64);
    assertThat(GOOD.batching().delay()).isEqualTo(Duration.ofMillis(50));
    assertThat(GOOD.transactionalId()).isEqualTo("g-0");
  }

  @Test
  void handsKafkaSettingsToTheClientTheyAreMeantFor() {
    StreamConfig config =
        GOOD.withKafka(
            Map.of(
                "security.protocol", "SSL",
                "consumer.fetch.min.bytes", "7",
                "producer.linger.ms", "3",
                "request.timeout.ms", "1",
                "producer.request.timeout.ms", "2"));

    assertThat(config.kafkaSettings("consumer"))
        .containsOnly(
            entry("security.protocol", "SSL"),
            entry("fetch.min.bytes", "7"),
            entry("request.timeout.ms", "1"));
    assertThat(config.kafkaSettings("producer"))
        .containsOnly(
            entry("security.protocol", "SSL"),
            entry("linger.ms", "3"),
            entry("request.timeout.ms", "2"));
  }

  @Test
  void refusesWhatCannotWork() {
    assertThatThrownBy(() -> GOOD.withBatch(0, Duration.ZERO))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("max batch: expected at least 1 sample, found 0");
    assertThatThrownBy(() -> GOOD.withBatch(1, Duration.ofMillis(-1)))
        .hasMessage("max delay: expected 0 to 60 seconds, found -1 ms");
    assertThatThrownBy(
            () -> GOOD.withBatching(new StreamConfig.Batching(1, Duration.ZERO, 0, null)))
        .hasMessageContaining("found 0");
    assertThatThrownBy(() -> GOOD.withInstance(" ")).hasMessageContaining("instance");
    assertThatThrownBy(() -> GOOD.withKafka(Map.of("producer.acks", "1")))
        .hasMessageContaining("'acks', which delivery exactly once needs");
    assertThatThrownBy(() -> new StreamConfig.Topics("a", "a", "b"))
        .hasMessageContaining("found 'a' for both");
    assertThatThrownBy(() -> new StreamConfig.Topics("a", "b", "c?"))
        .hasMessageContaining("topics.dead-letter: expected a topic name");
  }
}
