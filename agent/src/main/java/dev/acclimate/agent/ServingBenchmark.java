package dev.acclimate.agent;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.agent.load.LoadGenerator;
import dev.acclimate.agent.load.Overload;
import dev.acclimate.agent.load.ServerProcess;
import dev.acclimate.agent.load.Tally;
import dev.acclimate.agent.load.Wire;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * Times a model behind HTTP against the same model called in this process. The server is an agent
 * in a process of its own; clients, who each wait for their answer before they ask again for one
 * sample, are in this one. In turns, the model runs batches of as many samples as there are
 * clients, and the clients ask the server. A round's ratio compares neighbours in time, in which
 * slow moments of the machine cancel; the median of the rounds counts.
 *
 * <p>Server and clients share the machine, which clients elsewhere would not. No guard watches: the
 * frozen model, which it asks too, is not run by the bare one either.
 */
final class ServingBenchmark {
  private static final String NAME = "bench";
  private static final int MOST_SAMPLES = 64;

  /** Rounds' time until the server's JVM has compiled what every request runs through. */
  private static final int WARM_UP_ROUNDS = 3;

  private final OnnxModel model;
  private final TensorInfo input;
  private final String method;
  private final SessionSettings settings;
  private final Server server;

  /**
   * How the server runs.
   *
   * @param maxBatch samples of a run
   * @param delay how long a request waits for others
   * @param jvm options of its JVM
   */
  record Server(int maxBatch, String delay, List<String> jvm) {}

  /**
   * One number of clients' speed, each figure the median of the rounds.
   *
   * @param batchSize samples of the bare model's runs
   * @param bareRate samples a second through the bare model
   * @param rate samples a second through the server
   * @param ratio the second over the first
   * @param bareMillis the bare model's median time for a batch
   * @param p50 milliseconds within which half of the answers came
   * @param p99 milliseconds within which 99 % of them came
   * @param p50Ratio {@code p50} over {@code bareMillis}
   */
  record Row(
      Wire wire,
      int clients,
      int batchSize,
      double bareRate,
      double rate,
      double ratio,
      double bareMillis,
      double p50,
      double p99,
      double p50Ratio) {}

  private record Bare(double rate, double millis) {}

  ServingBenchmark(OnnxModel model, String method, SessionSettings settings, Server server) {
    this.model = model;
    this.input = Benchmark.onlyInput(model);
    this.method = method;
    this.settings = settings;
    this.server = server;
    if (Method.parse(method).needsCalibration()) {
      throw new InvalidInputException(
          "--methods: with --serve expected methods without calibration, found " + method);
    }
  }

  /** What is done while server and bare model are up. */
  @FunctionalInterface
  private interface Use<T> {
    T with(ServerProcess process, LoadGenerator generator, AdaptiveModel bare, Tensor samples);
  }

  /** Times every form with every number of clients. */
  List<Row> run(List<Wire> wires, List<Integer> clients, Duration time, int rounds) {
    return whileUp(
        (process, generator, bare, samples) -> {
          Duration warmUp = time.multipliedBy(WARM_UP_ROUNDS);
          List<Row> rows = new ArrayList<>();
          for (Wire wire : wires) {
            LoadGenerator.Questions questions = questions(generator, wire, bare, samples);
            requireRight(generator.closedLoop(questions, MOST_SAMPLES, warmUp).tally());
            for (int count : clients) {
              rows.add(row(generator, questions, count, bare, samples, time, rounds));
            }
          }
          return rows;
        });
  }

  /** Asks for more than the server can give. */
  Overload.Result overload(
      Wire wire,
      int clients,
      Duration closedTime,
      DoubleUnaryOperator rate,
      Duration time,
      Consumer<Overload.Period> heard) {
    return whileUp(
        (process, generator, bare, samples) ->
            new Overload(
                    process,
                    generator,
                    questions(generator, wire, bare, samples),
                    clients,
                    closedTime)
                .run(rate, time, heard));
  }

  private <T> T whileUp(Use<T> use) {
    AdaptedModel adapted = AdaptedModel.adapt(model, Method.parse(method));
    Path folder = folder();
    try (AdaptiveModel bare =
            AdaptiveModel.open(
                adapted, adapted.initialState(0, null), settings.forBatchesOf(server.maxBatch()));
        Tensor samples = samples();
        ServerProcess process =
            ServerProcess.start(Acclimate.class, server.jvm(), configuration(folder));
        LoadGenerator generator = new LoadGenerator(process.port(), NAME)) {
      return use.with(process, generator, bare, samples);
    } finally {
      delete(folder);
    }
  }

  private static Path folder() {
    try {
      return Files.createTempDirectory("acclimate-bench");
    } catch (IOException e) {
      throw new UncheckedIOException("a folder for the server's configuration", e);
    }
  }

  private Path configuration(Path folder) {
    Path file = folder.resolve("model.onnx");
    model.write(file);
    String text =
        """
        model: '%s'
        name: %s
        method: '%s'
        provider: '%s'
        threads: %d
        guard: {policy: off}
        http: {port: 0}
        """
            .formatted(file, NAME, method, settings.provider(), settings.threads());
    text += "batch: {max: %d, delay: %s}\n".formatted(server.maxBatch(), server.delay());
    try {
      return Files.writeString(folder.resolve("server.yaml"), text);
    } catch (IOException e) {
      throw new UncheckedIOException("the server's configuration", e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("clearing " + folder, e);
    }
  }

  private Tensor samples() {
    long[] shape = input.dimensions().stream().mapToLong(d -> d.size()).toArray();
    shape[0] = MOST_SAMPLES;
    return Benchmark.random(model, input, new SplittableRandom(0), shape);
  }

  private LoadGenerator.Questions questions(
      LoadGenerator generator, Wire wire, AdaptiveModel bare, Tensor samples) {
    Function<Tensor, float[]> answering =
        bare.adapts()
            ? null
            : sample -> {
              String first = bare.outputs().get(0).name();
              Tensor output = bare.run(Map.of(input.name(), sample)).outputs().get(first);
              if (output == null) {
                throw new IllegalStateException("the model gave no output " + first);
              }
              return output.toFloatArray();
            };
    return generator.questions(wire, input, samples, answering);
  }

  private Row row(
      LoadGenerator generator,
      LoadGenerator.Questions questions,
      int clients,
      AdaptiveModel bare,
      Tensor samples,
      Duration time,
      int rounds) {
    int batchSize = Math.min(Math.min(clients, server.maxBatch()), MOST_SAMPLES);
    double[][] figures = new double[7][rounds];
    try (Tensor batch = samples.first(batchSize)) {
      // the first round warms up
      for (int round = -1; round < rounds; round++) {
        Bare alone = bare(bare, batch, time);
        LoadGenerator.Waited waited = generator.closedLoop(questions, clients, time);
        Tally served = waited.tally();
        requireRight(served);
        if (round >= 0) {
          double rate = waited.rate();
          double p50 = served.millis(50);
          double[] found = {
            alone.rate(),
            rate,
            rate / alone.rate(),
            alone.millis(),
            p50,
            served.millis(99),
            p50 / alone.millis()
          };
          for (int i = 0; i < found.length; i++) {
            figures[i][round] = found[i];
          }
        }
      }
    }
    return new Row(
        questions.wire(),
        clients,
        batchSize,
        Benchmark.median(figures[0]),
        Benchmark.median(figures[1]),
        Benchmark.median(figures[2]),
        Benchmark.median(figures[3]),
        Benchmark.median(figures[4]),
        Benchmark.median(figures[5]),
        Benchmark.median(figures[6]));
  }

  private static void requireRight(Tally served) {
    if (served.count(200) != served.requests() || served.wrong() > 0) {
      throw new IllegalStateException(
          "of "
              + served.requests()
              + " requests expected all to be answered rightly, found "
              + served.count(200)
              + " answered and "
              + served.wrong()
              + " of these wrong");
    }
  }

  private Bare bare(AdaptiveModel bare, Tensor batch, Duration time) {
    Histogram micros = new Histogram(3);
    long begin = System.nanoTime();
    long now = begin;
    long runs = 0;
    while (now - begin < time.toNanos()) {
      bare.run(Map.of(input.name(), batch));
      runs++;
      long after = System.nanoTime();
      micros.recordValue((after - now) / 1000);
      now = after;
    }
    return new Bare(
        runs * batch.size(0) * 1e9 / (now - begin), micros.getValueAtPercentile(50) / 1000.0);
  }
}
