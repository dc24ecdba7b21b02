package dev.acclimate.tests;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import javax.management.JMException;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * The controller of a cluster, in this JVM: it outlives its brokers, as controllers do that are
 * nodes of their own.
 */
final class KafkaController implements AutoCloseable {
  private static final int NODE = 100;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** A broker that was killed is not waited for any longer. */
  private static final String SESSION_MILLIS = "2000";

  private static final ObjectName ACTIVE_BROKERS;

  static {
    try {
      ACTIVE_BROKERS =
          new ObjectName("kafka.controller:type=KafkaController,name=ActiveBrokerCount");
    } catch (MalformedObjectNameException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final KafkaRaftServer server;
  private final String clusterId;
  private final int port;

  private KafkaController(KafkaRaftServer server, String clusterId, int port) {
    this.server = server;
    this.clusterId = clusterId;
    this.port = port;
  }

  /**
   * Starts a controller.
   *
   * @param folder where its log goes; made if it is not there
   */
  static KafkaController start(Path folder) throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    String clusterId = Uuid.randomUuid().toString();
    format(folder, NODE, clusterId);
    KafkaConfig config =
        new KafkaConfig(
            Map.of(
                "process.roles",
                "controller",
                "node.id",
                Integer.toString(NODE),
                "listeners",
                "CONTROLLER://127.0.0.1:" + port,
                "listener.security.protocol.map",
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.listener.names",
                "CONTROLLER",
                "controller.quorum.voters",
                voters(port),
                "broker.session.timeout.ms",
                SESSION_MILLIS,
                "broker.heartbeat.interval.ms",
                BrokerProcess.HEARTBEAT_MILLIS,
                "log.dirs",
                folder.toString()));
    KafkaRaftServer server = new KafkaRaftServer(config, Time.SYSTEM);
    server.startup();
    return new KafkaController(server, clusterId, port);
  }

  private static String voters(int port) {
    return NODE + "@127.0.0.1:" + port;
  }

  /** The setting {@code controller.quorum.voters} of its brokers. */
  String voters() {
    return voters(port);
  }

  /** Makes a folder the data folder of a broker of this cluster. */
  void formatBroker(Path folder, int node) throws IOException {
    format(folder, node, clusterId);
  }

  private static void format(Path folder, int node, String clusterId) throws IOException {
    Files.createDirectories(folder);
    try (PrintStream quiet =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      new Formatter()
          .setNodeId(node)
          .setClusterId(clusterId)
          .setControllerListenerName("CONTROLLER")
          .addDirectory(folder.toString())
          .setMetadataLogDirectory(folder.toString())
          .setPrintStream(quiet)
          .run();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("cannot format " + folder, e);
    }
  }

  /** Waits until the controller has noticed that no broker is left. */
  void awaitNoBroker() {
    long end = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (activeBrokers() > 0) {
        if (System.nanoTime() > end) {
          throw new AssertionError("the controller has brokers left");
        }
        Thread.sleep(50);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** By its metrics, since the admin protocol tells of brokers only through brokers. */
  private static int activeBrokers() {
    try {
      return (Integer)
          ManagementFactory.getPlatformMBeanServer().getAttribute(ACTIVE_BROKERS, "Value");
    } catch (JMException e) {
      throw new AssertionError("the controller does not tell", e);
    }
  }

  @Override
  public void close() {
    server.shutdown();
    server.awaitShutdown();
  }
}
