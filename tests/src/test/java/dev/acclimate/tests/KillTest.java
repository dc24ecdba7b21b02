package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Agent and broker are killed in the middle of their work, again and again. */
class KillTest {
  private static final int REQUESTS = 5000;
  private static final int BURST = 37;
  private static final int KILLS = 20;

  /** Another moment for each kill with {@code -Dkill.seed=N}. */
  private static final long SEED = Long.getLong("kill.seed", 4);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private FaultSetting setting;

  private enum Victim {
    AGENT,
    BROKER,
    BOTH
  }

  @BeforeEach
  void start() throws IOException {
    setting = new FaultSetting(folder, BURST);
  }

  @AfterEach
  void stop() {
    setting.close();
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void answersAndStatesAreThoseOfAnUndisturbedRun() throws Exception {
    setting.requests().send(REQUESTS);
    AgentProcess.Group killed = setting.group("killed");
    AgentProcess.Group undisturbed = setting.group("undisturbed");

    Answers answers = answersOfKilled(killed);
    Answers expected = setting.undisturbed(undisturbed);

    assertThat(answers.faults(setting.requests())).isEmpty();
    assertThat(answers.differencesFrom(expected)).isEmpty();
    assertThat(FinalStates.of(killed))
        .hasSize(FaultSetting.DEVICES)
        .isEqualTo(FinalStates.of(undisturbed));
  }

  private Answers answersOfKilled(AgentProcess.Group group) throws Exception {
    Random random = new Random(SEED);
    try (AgentProcess agent = group.start("one");
        TopicReader out = setting.answersOf(group)) {
      Runnable check =
          () -> {
            agent.requireRunning();
            setting.broker().requireRunning();
          };
      for (int kill = 0; kill < KILLS; kill++) {
        // progress first, so that the kill hits what works
        out.readUntil(out.records().size() + 50 + random.nextInt(450), check);
        Thread.sleep(random.nextInt(50));
        kill(Victim.values()[random.nextInt(Victim.values().length)], agent);
        if (random.nextInt(4) == 0) {
          // once more while it starts, recovers, or works again
          Thread.sleep(random.nextInt(3000));
          kill(Victim.AGENT, agent);
        }
      }
      out.readUntil(setting.requestsInAll(), check);
      agent.stop();
      out.settle();
      return Answers.of(out.records());
    }
  }

  private void kill(Victim victim, AgentProcess agent) {
    if (victim != Victim.BROKER) {
      agent.kill();
    }
    if (victim != Victim.AGENT) {
      setting.broker().kill();
      setting.broker().startAgain();
    }
    if (victim != Victim.BROKER) {
      agent.startAgain();
    }
  }
}
