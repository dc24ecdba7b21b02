package dev.acclimate.agent;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.demo.Demo;
import dev.acclimate.agent.demo.DemoSetup;
import dev.acclimate.agent.demo.Entrant;
import dev.acclimate.agent.demo.LiveTable;
import dev.acclimate.agent.demo.StartingBroker;
import dev.acclimate.agent.demo.Summary;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.Calibrations;
import dev.acclimate.simulate.DomainKind;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows what adaptation does, and what it costs, without anything to set up. */
@Command(
    name = "demo",
    description = {
      "Starts a Kafka broker, sends a stream that drifts through it and lets several methods answer",
      "it side by side. Prints how often each is right, domain by domain."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Takes a model and data of your own as simulate does. Each model runs on one thread unless",
      "--threads says more. Ends with 0 when every request was answered exactly once.",
      "Example: acclimate demo --model resnet20.onnx --data cifar10:data/cifar10"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class DemoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--serve",
      description = "Keep the broker, the methods and the HTTP port up afterwards, until Ctrl-C.")
  private boolean serve;

  @Option(
      names = "--port",
      paramLabel = "N",
      description =
          "HTTP port for metrics and health, on loopback. Default: "
              + AgentConfig.DEFAULT_PORT
              + " with --serve, else a free one.")
  private @Nullable Integer port;

  @Option(
      names = "--model",
      paramLabel = "M",
      defaultValue = ModelArgument.BUILTIN,
      description = "An ONNX file, or builtin. Default: ${DEFAULT-VALUE}.")
  private String model;

  @Option(
      names = "--methods",
      paramLabel = "LIST",
      defaultValue = "alpha-bn,unmix-tns,unmix-tns[init=calibrated;components=10;momentum=0.5]",
      description =
          "Comma-separated, options in brackets; the frozen model is always there. Default:"
              + " ${DEFAULT-VALUE}.")
  private String methods;

  @Option(
      names = "--corruptions",
      paramLabel = "LIST",
      defaultValue = "none,contrast,gaussian_noise,impulse_noise,shot_noise,fog,none",
      description =
          "One domain each, one after another; all stands for the 15 corruptions. Default:"
              + " ${DEFAULT-VALUE}.")
  private String corruptions;

  @Option(
      names = "--severity",
      paramLabel = "N",
      defaultValue = "5",
      description = "Of the corruptions, 1 to 5. Default: ${DEFAULT-VALUE}.")
  private int severity;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of everything random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Mixin private DemoData data;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description =
          "Where calibrated methods start, made by calibrate. Default: measured on the training part"
              + " of the data.")
  private @Nullable Path calibration;

  @Mixin private PreprocessingOptions preprocessing;

  @Mixin private SessionOptions session;

  @Override
  public Integer call() {
    quiet();
    List<Entrant> entrants = Entrant.parse(methods);
    List<Corruption> shifts = Corruption.parseList(corruptions);
    StreamOptions options =
        new StreamOptions(DomainSchedule.CONTINUAL, severity, Order.DIRICHLET, seed);
    int httpPort = httpPort();
    ModelArgument argument = new ModelArgument(model);
    OnnxModel loaded = argument.load();
    Calibration given = calibration == null ? null : Calibration.read(calibration);
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (StopSignal stop = StopSignal.onShutdown();
        StartingBroker starting = new StartingBroker()) {
      ImageSet images = data.images();
      Preprocessing fitting = preprocessing.of(argument, images);
      DomainStream stream =
          DomainStream.of(DomainKind.corrupted(images, shifts, seed), fitting, options);
      DemoSetup setup =
          new DemoSetup(
              loaded,
              ReplayCommand.input(loaded, images, fitting.layout()),
              entrants,
              stream.segments(),
              calibrations(loaded, entrants, fitting, given),
              seed,
              oneThread(session.settings()));
      EmbeddedBroker broker = starting.get();
      try (Demo demo = Demo.start(setup, broker, registry);
          DemoEndpoint endpoint = DemoEndpoint.open(httpPort, registry, demo::health)) {
        describe(setup, broker, endpoint);
        return show(demo, setup, new SimulatedSamples(stream, List.of("camera")), stop, endpoint);
      }
    } catch (CancellationException e) {
      return Acclimate.EXIT_FAILURE;
    } finally {
      registry.close();
    }
  }

  /**
   * The table shows what happens; what streams and broker would say besides is for operators. A
   * broker that starts on an empty log warns of just that.
   */
  private static void quiet() {
    level("dev.acclimate", Level.WARN);
    for (String chatty : List.of("org.apache.kafka", "kafka", "io.micrometer")) {
      level(chatty, Level.ERROR);
    }
  }

  private static void level(String name, Level level) {
    if (LoggerFactory.getLogger(name) instanceof Logger logger) {
      logger.setLevel(level);
    }
  }

  private int httpPort() {
    if (port == null) {
      return serve ? AgentConfig.DEFAULT_PORT : 0;
    }
    if (port < 0 || port > 65535) {
      throw new ParameterException(
          spec.commandLine(), "--port: expected 0 to 65535, found " + port);
    }
    return port;
  }

  /** Several models share the cores: one thread each wastes none of them on waiting. */
  private static SessionSettings oneThread(SessionSettings settings) {
    return settings.threads() == 0 ? new SessionSettings(settings.provider(), 1) : settings;
  }

  private Map<Integer, Calibration> calibrations(
      OnnxModel loaded,
      List<Entrant> entrants,
      Preprocessing fitting,
      @Nullable Calibration given) {
    try (ProgressBar progress = ProgressBar.on(spec.commandLine().getErr())) {
      return new Calibrations(loaded, fitting, seed, session.settings(), progress)
          .of(entrants.stream().map(Entrant::method).toList(), given, data::sourceImages);
    }
  }

  private void describe(DemoSetup setup, EmbeddedBroker broker, DemoEndpoint endpoint) {
    PrintWriter out = spec.commandLine().getOut();
    out.println("One stream that drifts, answered by " + setup.entrants().size() + " methods.");
    out.println();
    out.println("  model    " + model + ", one session a method");
    out.println(
        "  data     " + data + ", severity " + severity + ", Dirichlet order, seed " + seed);
    out.println(
        "  broker   " + broker.bootstrap() + ", topics " + Demo.REQUESTS + ", " + Demo.LABELS);
    out.println("  metrics  " + endpoint.url() + "/metrics");
    int width = setup.labels().stream().mapToInt(String::length).max().orElse(0);
    String head = "  methods  ";
    for (Entrant entrant : setup.entrants()) {
      String padding = " ".repeat(width - entrant.label().length());
      out.println(head + entrant.label() + padding + "  " + entrant.method().canonical());
      head = " ".repeat(head.length());
    }
    out.println();
    out.println("Right answers in %; samples/s go through all methods.");
    out.println();
    out.flush();
  }

  private int show(
      Demo demo,
      DemoSetup setup,
      SimulatedSamples samples,
      StopSignal stop,
      DemoEndpoint endpoint) {
    PrintWriter out = spec.commandLine().getOut();
    LiveTable table = new LiveTable(out, Terminal.isWatched(), setup.labels(), setup.segments());
    Summary summary = demo.run(samples, table, stop::given);
    out.println();
    out.print(summary.text());
    if (serve) {
      out.println();
      out.println(
          "Still serving " + endpoint.url() + "/metrics and /v2/health/ready; Ctrl-C ends.");
      out.flush();
      stop.await();
    }
    out.flush();
    return summary.exactlyOnce() ? 0 : Acclimate.EXIT_FAILURE;
  }
}
