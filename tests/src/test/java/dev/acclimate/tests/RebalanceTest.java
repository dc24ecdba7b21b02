package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** A second agent joins the first one's group and leaves it while requests come in. */
class RebalanceTest {
  /** A full batch: where the log ends while it grows, the clock has nothing to decide. */
  private static final int BURST = AgentProcess.Group.MAX_BATCH;

  private static final int MILLIS_BETWEEN_BURSTS = 400;
  private static final int STAYS = 3;
  private static final long SEED = 5;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private FaultSetting setting;

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
    AgentProcess.Group shared = setting.group("shared");
    AgentProcess.Group undisturbed = setting.group("undisturbed");

    Answers answers = answersOfShared(shared);
    Answers expected = setting.undisturbed(undisturbed);

    assertThat(answers.faults(setting.requests())).isEmpty();
    assertThat(answers.differencesFrom(expected)).isEmpty();
    assertThat(FinalStates.of(shared))
        .hasSize(FaultSetting.DEVICES)
        .isEqualTo(FinalStates.of(undisturbed));
  }

  private Answers answersOfShared(AgentProcess.Group group) throws Exception {
    ScheduledExecutorService devices = Executors.newSingleThreadScheduledExecutor();
    try (AgentProcess first = group.startWithMetrics("first");
        TopicReader out = setting.answersOf(group)) {
      Future<?> sending =
          devices.scheduleWithFixedDelay(
              () -> setting.requests().send(BURST),
              0,
              MILLIS_BETWEEN_BURSTS,
              TimeUnit.MILLISECONDS);
      out.readUntil(() -> first.answered() > 0);
      secondComesAndGoes(group, out);
      devices.shutdown();
      assertThat(devices.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
      assertThat(sending).isCancelled();
      out.readUntil(setting.requestsInAll(), first::requireRunning);
      first.stop();
      out.settle();
      return Answers.of(out.records());
    } finally {
      devices.shutdownNow();
    }
  }

  private void secondComesAndGoes(AgentProcess.Group group, TopicReader out) throws IOException {
    Random random = new Random(SEED);
    try (AgentProcess second = group.startWithMetrics("second")) {
      for (int stay = 1; stay <= STAYS; stay++) {
        out.readUntil(() -> second.answered() > 0);
        out.readUntil(out.records().size() + random.nextInt(300), second::requireRunning);
        // killed, it is missed until it is back; the last time it takes its leave
        if (stay % 2 == 0) {
          second.kill();
        } else {
          second.stop();
        }
        out.readUntil(out.records().size() + random.nextInt(300), () -> {});
        if (stay < STAYS) {
          second.startAgain();
        }
      }
    }
  }
}
