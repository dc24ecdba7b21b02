package dev.acclimate.tests;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.acclimate.agent.broker.EmbeddedBroker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.slf4j.LoggerFactory;

/** A broker in a process of its own that keeps port and data when it is killed and starts again. */
final class BrokerProcess implements AutoCloseable {
  private static final String READY = "ready at ";

  /** The controller lets a broker back in when it has forgotten the killed one. */
  private static final Map<String, String> FORGETFUL =
      Map.of("broker.session.timeout.ms", "2000", "broker.heartbeat.interval.ms", "500");

  private final JavaProcess process;
  private final String bootstrap;

  private BrokerProcess(JavaProcess process, String bootstrap) {
    this.process = process;
    this.bootstrap = bootstrap;
  }

  /**
   * Starts a broker and waits until it is ready.
   *
   * @param folder where its data and its log go; made if it is not there
   */
  static BrokerProcess start(Path folder) throws IOException {
    Path data = Files.createDirectories(folder.resolve("data"));
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    JavaProcess process =
        new JavaProcess(
            folder.resolve("broker.log"),
            BrokerProcess.class,
            data.toString(),
            Integer.toString(port));
    // this JVM's clients would tell of every attempt to reach a broker that was killed
    ((Logger) LoggerFactory.getLogger("org.apache.kafka.clients")).setLevel(Level.ERROR);
    BrokerProcess broker = new BrokerProcess(process, "127.0.0.1:" + port);
    broker.startAgain();
    process.awaitOutput(READY);
    return broker;
  }

  /** What the process runs, until it is killed. */
  public static void main(String[] arguments) throws InterruptedException {
    EmbeddedBroker broker =
        EmbeddedBroker.startOn(Path.of(arguments[0]), Integer.parseInt(arguments[1]), FORGETFUL);
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
    process.start();
  }

  void requireRunning() {
    process.requireRunning();
  }

  @Override
  public void close() {
    process.close();
  }
}
