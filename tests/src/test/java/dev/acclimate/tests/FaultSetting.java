package dev.acclimate.tests;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A broker, a log of requests, and groups of agents that answer it. */
final class FaultSetting implements AutoCloseable {
  static final int DEVICES = 4;
  private static final String IN = "in";

  private final Path folder;
  private final BrokerProcess broker;
  private final RequestLog requests;

  /**
   * Starts the broker; the log is empty.
   *
   * @param folder where all files go
   * @param burst how many requests a device sends in one go
   */
  FaultSetting(Path folder, int burst) throws IOException {
    this.folder = folder;
    this.broker = BrokerProcess.start(folder);
    broker.createTopics(List.of(RequestLog.topic(IN, DEVICES)));
    this.requests = new RequestLog(broker.bootstrap(), IN, DEVICES, burst);
  }

  BrokerProcess broker() {
    return broker;
  }

  RequestLog requests() {
    return requests;
  }

  /** How many answers there should be. */
  int requestsInAll() {
    return DEVICES * requests.sent();
  }

  /** A group that reads the log from its start, and the topics of its own. */
  AgentProcess.Group group(String name) {
    AgentProcess.Group group =
        new AgentProcess.Group(folder, broker.bootstrap(), "unmix-tns", "partition", IN, name);
    broker.createTopics(group.topics(DEVICES));
    return group;
  }

  TopicReader answersOf(AgentProcess.Group group) {
    return new TopicReader(broker.bootstrap(), group.out());
  }

  /** What one agent answers that nothing disturbs. */
  Answers undisturbed(AgentProcess.Group group) throws IOException {
    try (AgentProcess agent = group.start("one");
        TopicReader out = answersOf(group)) {
      out.readUntil(requestsInAll(), agent::requireRunning);
      agent.stop();
      return Answers.of(out.records());
    }
  }

  @Override
  public void close() {
    requests.close();
    broker.close();
  }
}
