package dev.acclimate.agent;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.simulate.Classifier;
import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Layout;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.streams.RequestEncoder;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamReplay;
import dev.acclimate.streams.StreamReplay.LabelledSample;
import dev.acclimate.streams.StreamReplay.Timetable;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Sends a simulated stream into Kafka. */
@Command(
    name = "replay",
    description = {
      "Sends a simulated stream into the agent's topic in, a request a sample, and the labels to",
      "its feedback topic where the configuration names one."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate replay --config agent/examples/stream.yaml \\",
      "    --corruptions none,gaussian_noise,fog --severity 5 --rate 200"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ReplayCommand implements Callable<Integer> {
  private static final long PROGRESS_EVERY = 500;
  private static final Duration WORTH_TELLING = Duration.ofMillis(200);

  @Spec private CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "The agent's configuration: model, brokers and topics.")
  private Path config;

  @Mixin private SimulatedStreamOptions simulated;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Stop after that many. Default: all.")
  private long samples = Long.MAX_VALUE;

  @Mixin private ArrivalOptions arrivals;

  @Option(
      names = "--keys",
      paramLabel = "N",
      defaultValue = "1",
      description = "Deal the samples to that many streams. Default: ${DEFAULT-VALUE}.")
  private int keys;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      defaultValue = "binary",
      description = "Of the requests: binary or json. Default: ${DEFAULT-VALUE}.")
  private String form;

  @Override
  public Integer call() {
    if (keys < 1 || samples < 1) {
      throw new ParameterException(spec.commandLine(), "--keys and --samples: expected at least 1");
    }
    Arrivals process = arrivals.process();
    StreamPlan plan = plan();
    AgentConfig read = AgentConfig.read(config);
    StreamConfig stream = read.stream();
    if (stream == null) {
      throw new InvalidInputException(
          config + ": kafka: expected the topics to send to, found nothing");
    }
    Path model = read.model().file();
    DomainKinds kinds = simulated.kinds();
    ImageSet images = plan.example().apply(kinds);
    Preprocessing preprocessing =
        simulated.preprocessing(new ModelArgument(model.toString()), images);
    DomainStream domains = plan.layout().of(kinds, preprocessing, simulated.seed());
    TensorInfo input = input(OnnxModel.read(model), images, preprocessing.layout());
    List<String> names = IntStream.rangeClosed(1, keys).mapToObj(i -> "stream-" + i).toList();
    Iterator<LabelledSample> all = new SimulatedSamples(domains, names);
    try (StreamReplay replay = StreamReplay.open(stream, new RequestEncoder(input, form()))) {
      Timetable timetable = arrivals.timetable(process, domains, samples, simulated.seed());
      report(
          replay.send(first(all, samples), timetable, progress(domains.size())), stream.topics());
    }
    return 0;
  }

  private StreamPlan plan() {
    List<StreamPlan> plans = simulated.plans();
    if (plans.size() != 1) {
      throw new ParameterException(
          spec.commandLine(),
          "--domains and --order: expected one of each, found %d streams".formatted(plans.size()));
    }
    return plans.get(0);
  }

  private RequestEncoder.Form form() {
    try {
      return RequestEncoder.Form.parse(form);
    } catch (InvalidInputException e) {
      throw new ParameterException(spec.commandLine(), "--form: " + e.getMessage(), e);
    }
  }

  /** The model's input, with the samples' shape where the model leaves it open. */
  static TensorInfo input(OnnxModel model, ImageSet images, Layout layout) {
    Classifier classifier =
        Classifier.of(model.name(), model.inputs(), model.outputs(), images, layout, 1);
    Stream<Dimension> sample =
        LongStream.of(classifier.shape(1)).skip(1).mapToObj(Dimension::fixed);
    return new TensorInfo(
        classifier.inputName(),
        ElementType.FP32,
        Stream.concat(Stream.of(Dimension.symbolic("batch")), sample).toList());
  }

  private static <T> Iterator<T> first(Iterator<T> all, long count) {
    Iterable<T> iterable = () -> all;
    return StreamSupport.stream(iterable.spliterator(), false).limit(count).iterator();
  }

  private LongConsumer progress(long size) {
    if (!Terminal.isWatched()) {
      return sent -> {};
    }
    long total = Math.min(size, samples);
    PrintWriter err = spec.commandLine().getErr();
    return sent -> {
      if (sent % PROGRESS_EVERY == 0 || sent == total) {
        err.print("\r" + sent + " of " + total + " samples sent");
        err.print(sent == total ? System.lineSeparator() : "");
        err.flush();
      }
    };
  }

  private static String lateness(Duration behind) {
    return behind.compareTo(WORTH_TELLING) < 0
        ? ""
        : String.format(
            Locale.ROOT, "; up to %.1f s later than they arrive", behind.toMillis() / 1e3);
  }

  private void report(StreamReplay.Sent sent, StreamConfig.Topics topics) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "sent "
            + sent.samples()
            + " samples to "
            + topics.in()
            + (topics.feedback() == null ? "" : ", their labels to " + topics.feedback())
            + lateness(sent.behind()));
    out.flush();
  }
}
