package dev.acclimate.agent.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

class EmbeddedBrokerTest {

  @Test
  void commitsTransactionsAndCleansUpBehindItself() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      broker.createTopics(2, "a", "b");
      try (Admin admin = broker.admin()) {
        assertThat(admin.listTopics().names().get()).contains("a", "b");
      }
      Map<String, Object> settings =
          Map.of("bootstrap.servers", broker.bootstrap(), "transactional.id", "t");
      try (var producer =
          new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
        producer.initTransactions();
        producer.beginTransaction();
        var sent = producer.send(new ProducerRecord<>("a", "k", "v"));
        producer.commitTransaction();
        assertThat(sent.get().hasOffset()).isTrue();
      }
    }
  }
}
