package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the state journal costs, and how long an agent takes to come back after kill -9, with a
 * state of ResNet-50's size: {@code unmix-tns} with 16 components over 26,560 channels, 3.4 MB. Not
 * part of the build, whose tests end in {@code Test}:
 *
 * <pre>{@code
 * mvn -q verify -pl tests -am -Dtest=RecoveryBenchmark -Dsurefire.failIfNoSpecifiedTests=false
 * }</pre>
 */
class RecoveryBenchmark {
  private static final int BATCH = 8;
  private static EmbeddedBroker broker;

  @TempDir private Path folder;

  @BeforeAll
  static void startBroker() {
    broker = EmbeddedBroker.start();
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "no journal | false | 100 | 'states: {snapshot-every: 0}'",
        "by default | true  | 100 | 'states: {snapshot-every: 0}'",
        // killed one batch before the third snapshot: the most that there can be to run again
        "every 100  | true  | 200 | 'states: {snapshot-every: 100}'"
      })
  void comesBackAfterKill(String policy, boolean journal, int batches, String states)
      throws IOException, InterruptedException {
    Path model = folder.resolve("wide.onnx");
    Files.write(model, SiteChain.of(SiteChain.resNet50()));
    TensorInfo input = OnnxModel.read(model).inputs().get(0);
    String name = "recovery-" + policy.replaceAll("\\W+", "-");
    try (Exchange exchange = new Exchange(broker, name, input)) {
      String config =
          exchange.config(model, journal, states + "\nbatch: {max: " + BATCH + ", delay: 60s}");
      SplittableRandom random = new SplittableRandom(1);
      send(exchange, input, random, batches);
      String costs;
      try (WatchedAgent agent = WatchedAgent.start(folder, config)) {
        exchange.receive(batches * BATCH, response -> {});
        costs = costs(agent, batches);
        agent.kill();
      }

      send(exchange, input, random, 1);
      AtomicLong first = new AtomicLong();
      AtomicLong step = new AtomicLong();
      long start = System.nanoTime();
      double recovery;
      try (WatchedAgent agent = WatchedAgent.start(folder, config)) {
        exchange.receive(
            BATCH,
            response -> {
              first.compareAndSet(0, System.nanoTime());
              step.set(
                  Long.parseLong(
                      new String(
                          response.headers().lastHeader("acclimate-step").value(),
                          java.nio.charset.StandardCharsets.UTF_8)));
            });
        recovery = agent.metric("acclimate_recovery_time_seconds_sum");
      }
      System.out.printf(
          Locale.ROOT,
          "%-12s %s; after kill: state back in %.2f s, first answer %.1f s after the start of the"
              + " process; load %.1f%n",
          policy,
          costs,
          recovery,
          (first.get() - start) / 1e9,
          ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
      assertThat(step).hasValue(journal ? batches + 1 : 1);
    }
  }

  private static void send(
      Exchange exchange, TensorInfo input, SplittableRandom random, int count) {
    for (int i = 0; i < count * BATCH; i++) {
      exchange.send("camera", "r" + i, ManyStreams.gaussians(random, input.elementsPerSample()));
    }
    exchange.flush();
  }

  private static String costs(WatchedAgent agent, int batches) {
    double model = agent.metric("acclimate_model_time_seconds_sum") / batches;
    double commit = agent.metric("acclimate_commit_time_seconds_sum") / batches;
    return String.format(
        Locale.ROOT,
        "%d batches: model %.1f ms, commit %.1f ms (longest %.0f ms), journal %.0f B a batch",
        batches,
        1e3 * model,
        1e3 * commit,
        1e3 * agent.metric("acclimate_commit_time_seconds_max"),
        agent.metric("acclimate_journal_bytes_total") / batches);
  }
}
