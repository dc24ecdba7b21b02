package dev.acclimate.tests;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.acclimate.agent.broker.EmbeddedBroker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.slf4j.LoggerFactory;

/**
 * A broker in a process of its own that keeps port and data when it is killed and starts again. Its
 * controller lives on.
 *
 * <p>It starts again only when the controller knows of its death. Kafka 4.4.0 loses the end of a
 * transaction whose coordinator finds partitions without a leader: it takes them for deleted, skips
 * their markers and calls the transaction complete. A broker that is controller too does that to
 * itself when it starts again within its own session: it leads, is declared dead, and leads again.
 */
final class BrokerProcess implements AutoCloseable {
  static final String HEARTBEAT_MILLIS = "500";

  private static final String READY = "ready at ";
  private static final int NODE = 1;

  private final KafkaController controller;
  private final JavaProcess process;
  private final String bootstrap;

  private BrokerProcess(KafkaController controller, JavaProcess process, String bootstrap) {
    this.controller = controller;
    this.process = process;
    this.bootstrap = bootstrap;
  }

  /**
   * Starts a broker and waits until it is ready.
   *
   * @param folder where its data and its log go; made if it is not there
   */
  static BrokerProcess start(Path folder) throws IOException {
    KafkaController controller = KafkaController.start(folder.resolve("controller"));
    Path data = folder.resolve("data");
    controller.formatBroker(data, NODE);
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    JavaProcess process =
        new JavaProcess(
            folder.resolve("broker.log"),
            BrokerProcess.class,
            data.toString(),
            Integer.toString(port),
            controller.voters());
    // this JVM's clients would tell of every attempt to reach a broker that was killed
    ((Logger) LoggerFactory.getLogger("org.apache.kafka.clients")).setLevel(Level.ERROR);
    process.start();
    process.awaitOutput(READY);
    return new BrokerProcess(controller, process, "127.0.0.1:" + port);
  }

  /** What the process runs, until it is killed. */
  public static void main(String[] arguments) throws InterruptedException {
    int port = Integer.parseInt(arguments[1]);
    Map<String, String> settings =
        Map.of(
            "process.roles",
            "broker",
            "node.id",
            Integer.toString(NODE),
            "listeners",
            "PLAINTEXT://127.0.0.1:" + port,
            "controller.quorum.voters",
            arguments[2],
            "broker.heartbeat.interval.ms",
            "500");
    EmbeddedBroker broker = EmbeddedBroker.startOn(Path.of(arguments[0]), port, settings);
    System.out.println(READY + broker.bootstrap());
    Thread.currentThread().join();
  }

  String bootstrap() {
    return bootstrap;
  }

  void createTopics(Collection<NewTopic> topics) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin.createTopics(topics).all().get(60, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("cannot create " + topics, e);
    }
  }

  void kill() {
    process.kill();
  }

  /** Starts the killed broker again, without waiting until it is ready. */
  void startAgain() {
    controller.awaitNoBroker();
    process.start();
  }

  void requireRunning() {
    process.requireRunning();
  }

  @Override
  public void close() {
    process.close();
    controller.close();
  }
}
