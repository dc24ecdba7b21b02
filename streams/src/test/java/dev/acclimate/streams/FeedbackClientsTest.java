package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.junit.jupiter.api.Test;

class FeedbackClientsTest {
  private static final StreamConfig CONFIG =
      StreamConfig.of(
          "127.0.0.1:9092", "g", new StreamConfig.Topics("in", "out", "dead", "labels", null));

  private final FeedbackClients clients = FeedbackClients.real();

  @Test
  void readsInAGroupOfItsOwnWithoutThePlaceOfTheProcessor() {
    StreamConfig config =
        CONFIG.withKafka(
            Map.of("consumer.group.instance.id", "mine", "consumer.auto.offset.reset", "none"));
    try (Consumer<byte[], byte[]> consumer = clients.openConsumer(config)) {
      assertThat(consumer.groupMetadata().groupId()).isEqualTo("g-feedback");
      assertThat(consumer.groupMetadata().groupInstanceId()).isEmpty();
    }
  }

  @Test
  void takesTheSecuritySettingsOfTheStream() {
    StreamConfig config =
        CONFIG.withKafka(
            Map.of("security.protocol", "SSL", "ssl.truststore.location", "/no/such.jks"));

    assertThatThrownBy(() -> clients.openConsumer(config)).hasStackTraceContaining("/no/such.jks");
    assertThatThrownBy(() -> clients.openProducer(config)).hasStackTraceContaining("/no/such.jks");
  }
}
