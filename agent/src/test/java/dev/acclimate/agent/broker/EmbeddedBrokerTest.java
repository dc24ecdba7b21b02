package dev.acclimate.agent.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerTest {

  @Test
  void commitsTransactionsAndCleansUpBehindItself() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      broker.createTopics(2, "a", "b");
      try (Admin admin = broker.admin()) {
        assertThat(admin.listTopics().names().get()).contains("a", "b");
      }
      commitOne(broker, "a");
    }
  }

  @Test
  void goesOnWhereItStoppedOnADirectoryOfTheCallers(@TempDir Path directory) throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    String cluster;
    try (EmbeddedBroker broker = EmbeddedBroker.startOn(directory, port, Map.of())) {
      broker.createTopics(1, "a");
      commitOne(broker, "a");
      cluster = cluster(broker);
    }

    try (EmbeddedBroker again = EmbeddedBroker.startOn(directory, port, Map.of())) {
      commitOne(again, "a");

      assertThat(again.bootstrap()).isEqualTo("127.0.0.1:" + port);
      assertThat(cluster(again)).isEqualTo(cluster);
      // each transaction is a record and the mark of its commit, which comes after the answer
      await().untilAsserted(() -> assertThat(endOffset(again, "a")).isEqualTo(4));
    }
  }

  private static void commitOne(EmbeddedBroker broker, String topic) throws Exception {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", broker.bootstrap(), "transactional.id", "t");
    try (var producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      var sent = producer.send(new ProducerRecord<>(topic, 0, "k", "v"));
      producer.commitTransaction();
      assertThat(sent.get().hasOffset()).isTrue();
    }
  }

  private static String cluster(EmbeddedBroker broker) throws Exception {
    try (Admin admin = broker.admin()) {
      return admin.describeCluster().clusterId().get();
    }
  }

  private static long endOffset(EmbeddedBroker broker, String topic) throws Exception {
    TopicPartition partition = new TopicPartition(topic, 0);
    try (Admin admin = broker.admin()) {
      return admin
          .listOffsets(Map.of(partition, OffsetSpec.latest()))
          .partitionResult(partition)
          .get()
          .offset();
    }
  }
}
