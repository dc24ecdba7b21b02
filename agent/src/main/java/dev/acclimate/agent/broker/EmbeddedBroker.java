package dev.acclimate.agent.broker;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Kafka node, broker and controller in one, on loopback ports. Topics, the offsets and
 * transaction topics among them, have one replica; nothing is created on demand.
 *
 * <p>A broker from {@link #start()} takes free ports and keeps its log in a temporary directory
 * that {@link #close()} deletes. One from {@link #startOn} has a directory and a port of the
 * caller's: started on them again, after a kill too, it goes on with its topics, groups and
 * transactions.
 *
 * <p>It runs real Kafka: groups, transactions and compaction work as in a cluster, replication does
 * not. Several may run side by side.
 */
public final class EmbeddedBroker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EmbeddedBroker.class);
  private static final Duration ADMIN_TIMEOUT = Duration.ofSeconds(30);
  private static final int NODE = 1;
  private static final int ATTEMPTS = 3;

  /** What formatting leaves: it holds the ids of cluster and node. */
  private static final String FORMATTED = "meta.properties";

  private final KafkaRaftServer server;
  private final String bootstrap;
  private final @Nullable Path temporary;

  private EmbeddedBroker(KafkaRaftServer server, String bootstrap, @Nullable Path temporary) {
    this.server = server;
    this.bootstrap = bootstrap;
    this.temporary = temporary;
  }

  /** Starts a broker with the defaults; takes a few seconds. */
  public static EmbeddedBroker start() {
    return start(Map.of());
  }

  /**
   * Starts a broker.
   *
   * @param settings broker settings that go before the defaults
   */
  public static EmbeddedBroker start(Map<String, String> settings) {
    for (int attempt = 1; ; attempt++) {
      try {
        return startOnFreePorts(settings);
      } catch (RuntimeException e) {
        // a port that was free a moment ago may be taken by now
        if (attempt == ATTEMPTS) {
          throw e;
        }
        log.debug("attempt {} failed", attempt, e);
      }
    }
  }

  private static EmbeddedBroker startOnFreePorts(Map<String, String> settings) {
    Path directory;
    int[] ports;
    try {
      directory = Files.createTempDirectory("acclimate-broker-");
      ports = freePorts(2);
    } catch (IOException e) {
      throw new IllegalStateException("cannot prepare the broker: " + e.getMessage(), e);
    }
    try {
      KafkaRaftServer server = run(directory, ports[0], ports[1], settings);
      return new EmbeddedBroker(server, address(ports[0]), directory);
    } catch (RuntimeException e) {
      delete(directory);
      throw e;
    }
  }

  /**
   * Starts a broker whose data outlives it.
   *
   * @param directory where its log is or will be; must exist, and be in use by no other broker
   * @param port where clients connect; must be free
   * @param settings broker settings that go before the defaults
   */
  public static EmbeddedBroker startOn(Path directory, int port, Map<String, String> settings) {
    int controllerPort;
    try {
      controllerPort = freePorts(1)[0];
    } catch (IOException e) {
      throw new IllegalStateException("cannot prepare the broker: " + e.getMessage(), e);
    }
    return new EmbeddedBroker(run(directory, port, controllerPort, settings), address(port), null);
  }

  private static String address(int port) {
    return "127.0.0.1:" + port;
  }

  private static KafkaRaftServer run(
      Path directory, int brokerPort, int controllerPort, Map<String, String> settings) {
    Properties properties = properties(directory, brokerPort, controllerPort);
    properties.putAll(settings);
    try {
      if (!Files.exists(directory.resolve(FORMATTED))) {
        format(directory);
      }
      KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
      server.startup();
      return server;
    } catch (Exception e) {
      throw new IllegalStateException("the broker did not start: " + e.getMessage(), e);
    }
  }

  private static Properties properties(Path directory, int brokerPort, int controllerPort) {
    Properties properties = new Properties();
    properties.put("process.roles", "broker,controller");
    properties.put("node.id", Integer.toString(NODE));
    properties.put(
        "listeners",
        "PLAINTEXT://127.0.0.1:" + brokerPort + ",CONTROLLER://127.0.0.1:" + controllerPort);
    properties.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + brokerPort);
    properties.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    properties.put("controller.listener.names", "CONTROLLER");
    properties.put("controller.quorum.voters", NODE + "@127.0.0.1:" + controllerPort);
    properties.put("log.dirs", directory.toString());
    properties.put("auto.create.topics.enable", "false");
    properties.put("default.replication.factor", "1");
    properties.put("min.insync.replicas", "1");
    properties.put("offsets.topic.num.partitions", "4");
    properties.put("offsets.topic.replication.factor", "1");
    properties.put("transaction.state.log.num.partitions", "4");
    properties.put("transaction.state.log.replication.factor", "1");
    properties.put("transaction.state.log.min.isr", "1");
    properties.put("share.coordinator.state.topic.num.partitions", "1");
    properties.put("share.coordinator.state.topic.replication.factor", "1");
    properties.put("share.coordinator.state.topic.min.isr", "1");
    // a first member need not wait for more of its group, nor the end for a last member
    properties.put("group.initial.rebalance.delay.ms", "0");
    properties.put("controlled.shutdown.enable", "false");
    // one reader and one writer at a time: fewer threads start faster
    properties.put("num.network.threads", "2");
    properties.put("num.io.threads", "2");
    properties.put("num.recovery.threads.per.data.dir", "1");
    properties.put("background.threads", "2");
    properties.put("log.cleaner.dedupe.buffer.size", Integer.toString(4 << 20));
    properties.put("log.cleaner.io.buffer.size", Integer.toString(64 << 10));
    return properties;
  }

  private static void format(Path directory) throws Exception {
    try (PrintStream quiet =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      new Formatter()
          .setNodeId(NODE)
          .setClusterId(Uuid.randomUuid().toString())
          .setControllerListenerName("CONTROLLER")
          .addDirectory(directory.toString())
          .setMetadataLogDirectory(directory.toString())
          .setPrintStream(quiet)
          .run();
    }
  }

  private static int[] freePorts(int count) throws IOException {
    ServerSocket[] sockets = new ServerSocket[count];
    try {
      for (int i = 0; i < count; i++) {
        sockets[i] = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      }
      return Arrays.stream(sockets).mapToInt(ServerSocket::getLocalPort).toArray();
    } finally {
      for (ServerSocket socket : sockets) {
        if (socket != null) {
          socket.close();
        }
      }
    }
  }

  /** Where clients connect: {@code 127.0.0.1:port}. */
  public String bootstrap() {
    return bootstrap;
  }

  /** Creates topics with that many partitions each, and waits until they are there. */
  public void createTopics(int partitions, String... names) {
    createTopics(Stream.of(names).map(name -> new NewTopic(name, partitions, (short) 1)).toList());
  }

  /** Creates topics and waits until they are there. */
  public void createTopics(Collection<NewTopic> topics) {
    try (Admin admin = admin()) {
      admin.createTopics(topics).all().get(ADMIN_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      awaitLeaders(admin, topics);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while creating topics", e);
    } catch (ExecutionException | TimeoutException e) {
      List<String> names = topics.stream().map(NewTopic::name).toList();
      throw new IllegalStateException("cannot create topics " + names + ": " + e.getMessage(), e);
    }
  }

  /** Asks the partitions themselves, so that the clients that come next find them ready. */
  private static void awaitLeaders(Admin admin, Collection<NewTopic> topics)
      throws InterruptedException, ExecutionException, TimeoutException {
    Map<TopicPartition, OffsetSpec> partitions = new HashMap<>();
    for (NewTopic topic : topics) {
      for (int partition = 0; partition < topic.numPartitions(); partition++) {
        partitions.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest());
      }
    }
    long end = System.nanoTime() + ADMIN_TIMEOUT.toNanos();
    while (true) {
      try {
        var unused =
            admin.listOffsets(partitions).all().get(ADMIN_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        return;
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof UnknownTopicOrPartitionException)
            || System.nanoTime() > end) {
          throw e;
        }
        Thread.sleep(20);
      }
    }
  }

  /** An admin client of this broker, the caller's to close. */
  public Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", bootstrap));
  }

  @Override
  public void close() {
    server.shutdown();
    server.awaitShutdown();
    if (temporary != null) {
      delete(temporary);
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      log.warn("{} is left behind: {}", directory, e.toString());
    }
  }
}
