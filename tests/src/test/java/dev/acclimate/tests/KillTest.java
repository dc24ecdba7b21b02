package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Agent and broker are killed in the middle of their work, again and again. An answer depends on
 * the state that all batches before it have left, so answers that equal those of an undisturbed run
 * to the last bit tell that the states were equal too.
 */
class KillTest {
  private static final int DEVICES = 4;
  private static final int REQUESTS = 5000;
  private static final int KILLS = 20;
  private static final long SEED = 4;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private BrokerProcess broker;
  private RequestLog requests;

  @BeforeEach
  void start() throws IOException {
    broker = BrokerProcess.start(folder);
    broker.createTopics(List.of(RequestLog.topic("in", DEVICES)));
    // batches that are full, and one that is not at the end of each burst
    requests = new RequestLog(broker.bootstrap(), "in", DEVICES, 37, SmallModels.CLASSIFIER_INPUT);
    requests.send(REQUESTS);
  }

  @AfterEach
  void stop() {
    requests.close();
    broker.close();
  }

  private enum Victim {
    AGENT,
    BROKER,
    BOTH
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void answersAreThoseOfAnUndisturbedRunThoughAgentAndBrokerAreKilledAgainAndAgain()
      throws Exception {
    Answers answers = answersOfKilled(group("killed"));

    assertThat(answers.faults(requests)).isEmpty();
    assertThat(answers.differencesFrom(answersOfUndisturbed(group("undisturbed")))).isEmpty();
  }

  private AgentProcess.Group group(String name) throws IOException {
    Path model = Files.write(folder.resolve("model.onnx"), SmallModels.classifier());
    AgentProcess.Group group =
        new AgentProcess.Group(folder, broker.bootstrap(), model, "unmix-tns", "in", name);
    broker.createTopics(group.topics(DEVICES));
    return group;
  }

  private Answers answersOfUndisturbed(AgentProcess.Group group) throws IOException {
    try (AgentProcess agent = group.start("one");
        TopicReader out = new TopicReader(broker.bootstrap(), group.out())) {
      out.await(DEVICES * REQUESTS, agent::requireRunning);
      return Answers.of(out.records());
    }
  }

  private Answers answersOfKilled(AgentProcess.Group group) throws Exception {
    Random random = new Random(SEED);
    try (AgentProcess agent = group.start("one");
        TopicReader out = new TopicReader(broker.bootstrap(), group.out())) {
      Runnable check =
          () -> {
            agent.requireRunning();
            broker.requireRunning();
          };
      for (int kill = 0; kill < KILLS; kill++) {
        // progress first, so that the kill hits what works
        out.await(out.records().size() + 50 + random.nextInt(450), check);
        Thread.sleep(random.nextInt(50));
        kill(Victim.values()[random.nextInt(Victim.values().length)], agent);
        if (random.nextInt(4) == 0) {
          // once more while it starts, recovers, or works again
          Thread.sleep(random.nextInt(3000));
          kill(Victim.AGENT, agent);
        }
      }
      out.await(DEVICES * REQUESTS, check);
      out.settle();
      return Answers.of(out.records());
    }
  }

  private void kill(Victim victim, AgentProcess agent) {
    if (victim != Victim.BROKER) {
      agent.kill();
    }
    if (victim != Victim.AGENT) {
      broker.kill();
      broker.startAgain();
    }
    if (victim != Victim.BROKER) {
      agent.startAgain();
    }
  }
}
