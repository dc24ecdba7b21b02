package dev.acclimate.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.TextTable;
import dev.acclimate.streams.RequestEncoder;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Times what adaptation costs. */
@Command(
    name = "bench",
    description = {
      "Times one batch per method, methods taking turns so that a busy moment of the machine hits",
      "all alike, and prints each median with its ratio to the frozen model (source), and by how",
      "much opening it and a first batch raised the memory that the process takes.",
      "",
      "With --pipeline it times the same model behind Kafka: an embedded broker, one request a",
      "sample, answers, offsets and state journal in transactions. The ratio is the pipeline's",
      "samples a second to those of the bare model on the same batches, in turns.",
      "",
      "With --serve it times the same model behind HTTP: an agent in a process of its own, and",
      "clients who each ask for one sample at a time and wait. The model itself runs batches of as",
      "many samples as there are clients, --batch-size at most, which is the server's largest too."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate bench resnet20.onnx --methods source,alpha-bn,unmix-tns \\",
      "    --batch-size 64 --threads 1",
      "         acclimate bench resnet20.onnx --pipeline --methods unmix-tns --threads 1",
      "         acclimate bench resnet20.onnx --serve --clients 1,8,64 --form binary,json --threads 1",
      "         acclimate bench resnet20.onnx --serve --rate 3x --minutes 10 --threads 1"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "An ONNX file, builtin, or untrained:224 for a ResNet-20 of 224x224 images.")
  private String model;

  private static final String ALL_METHODS = "source,tbn,bn-prior,ema,alpha-bn,unmix-tns,adab2n";
  private static final String PIPELINE_METHODS = "unmix-tns";
  private static final String SERVE_METHOD = "source";
  private static final int BATCHES_TIMED = 40;
  private static final int PIPELINE_ROUNDS = 5;

  @Option(
      names = "--methods",
      paramLabel = "LIST",
      description =
          "Comma-separated. Default: "
              + ALL_METHODS
              + "; with --pipeline "
              + PIPELINE_METHODS
              + "; with --serve one, "
              + SERVE_METHOD
              + ".")
  private @Nullable String methods;

  @Option(
      names = "--learning",
      paramLabel = "LIST",
      defaultValue = "",
      description =
          "Time full training steps on labels too: bn, adab2n, each with or without +nap. Default:"
              + " none.")
  private String learning;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "64",
      description = "Samples a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description =
          "Timed rounds: a batch per method, with --pipeline --batches. Default: "
              + BATCHES_TIMED
              + "; with --pipeline "
              + PIPELINE_ROUNDS
              + ", with --serve 3.")
  private @Nullable Integer rounds;

  @Option(
      names = "--shape",
      paramLabel = "LIST",
      description =
          "Sizes after the batch axis, such as 3,224,224, where the model leaves them open.")
  private @Nullable String shape;

  @Option(names = "--pipeline", description = "Time the model behind Kafka.")
  private boolean pipeline;

  @Option(
      names = "--batches",
      paramLabel = "N",
      defaultValue = "64",
      description = "With --pipeline: batches a round. Default: ${DEFAULT-VALUE}.")
  private int batches;

  @Option(
      names = "--partitions",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "With --pipeline: partitions that share the batches. Default: ${DEFAULT-VALUE}.")
  private int partitions;

  @Option(
      names = "--guard",
      description =
          "With --pipeline: time each method under a guard too, which asks the frozen model about"
              + " every batch until it trusts the adapted one. Requests are noise: what it makes of"
              + " them says nothing about yours.")
  private boolean guard;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "Of the requests. With --pipeline: binary or json; default: binary. With --serve, a list"
              + " of binary, json and grpc; default: "
              + ServeBenchOptions.FORMS
              + ".")
  private @Nullable String form;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private SessionOptions session;

  @Mixin private ServeBenchOptions serving;

  @Override
  public Integer call() throws IOException {
    if (batchSize < 1 || (rounds != null && rounds < 1)) {
      throw new InvalidInputException("--batch-size and --rounds: expected at least 1");
    }
    OnnxModel loaded = new ModelArgument(model).load();
    PrintWriter out = spec.commandLine().getOut();
    boolean right = true;
    if (serving.wanted()) {
      right = timeServing(loaded, out);
    } else {
      out.print(pipeline ? timePipeline(loaded) : timeMethods(loaded));
    }
    out.flush();
    return right ? 0 : 1;
  }

  private boolean timeServing(OnnxModel loaded, PrintWriter out) throws IOException {
    String method = methods == null ? SERVE_METHOD : methods;
    ServingBenchmark benchmark =
        new ServingBenchmark(loaded, method, session.settings(), serving.server(batchSize));
    return serving.run(benchmark, form == null ? ServeBenchOptions.FORMS : form, rounds, json, out);
  }

  private String timeMethods(OnnxModel loaded) throws IOException {
    List<String> names = Method.splitList(methods == null ? ALL_METHODS : methods);
    List<Benchmark.Row> rows =
        new Benchmark(loaded, names, learningMethods(), batchSize, sizes(), session.settings())
            .run(rounds == null ? BATCHES_TIMED : rounds);
    return json ? json(rows) : text(rows);
  }

  private List<String> learningMethods() {
    return learning.isEmpty() ? List.of() : Method.splitList(learning);
  }

  private String timePipeline(OnnxModel loaded) throws IOException {
    if (partitions < 1 || batches < 2 * partitions || batches % partitions != 0) {
      throw new InvalidInputException(
          "--batches: expected a multiple of --partitions, two for each at least, found "
              + batches);
    }
    PipelineBenchmark.Load load =
        new PipelineBenchmark.Load(batchSize, batches, partitions, form());
    List<String> names = Method.splitList(methods == null ? PIPELINE_METHODS : methods);
    List<PipelineBenchmark.Row> rows =
        new PipelineBenchmark(loaded, load, session.settings())
            .run(names, guard, rounds == null ? PIPELINE_ROUNDS : rounds);
    return json ? json(load, rows) : text(load, rows);
  }

  private RequestEncoder.Form form() {
    try {
      return RequestEncoder.Form.parse(form == null ? "binary" : form);
    } catch (InvalidInputException e) {
      throw new InvalidInputException("--form: " + e.getMessage(), e);
    }
  }

  private long[] sizes() {
    if (shape == null) {
      return new long[0];
    }
    try {
      return Arrays.stream(shape.split(",", -1))
          .mapToLong(s -> Long.parseLong(s.strip()))
          .toArray();
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          "--shape: expected sizes such as 3,224,224, found '" + shape + "'", e);
    }
  }

  private static String json(List<Benchmark.Row> rows) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    ArrayNode list = root.putArray("rows");
    for (Benchmark.Row row : rows) {
      list.addObject()
          .put("method", row.method())
          .put("batch_size", row.batchSize())
          .put("median_ms", row.medianMillis())
          .put("ratio_to_source", row.ratioToSource());
    }
    return mapper.writeValueAsString(root) + "\n";
  }

  private static String text(List<Benchmark.Row> rows) {
    List<List<String>> table = new ArrayList<>();
    table.add(List.of("method", "batch", "median ms", "ratio to source", "added MiB"));
    for (Benchmark.Row row : rows) {
      table.add(
          List.of(
              row.method(),
              Integer.toString(row.batchSize()),
              String.format(Locale.ROOT, "%.2f", row.medianMillis()),
              String.format(Locale.ROOT, "%.3f", row.ratioToSource()),
              Long.toString(row.addedMebibytes())));
    }
    return TextTable.of(table);
  }

  /** What all parts of a figure share. */
  static String machine() {
    return String.format(Locale.ROOT, "%d cores for all of it, load %.1f.%n%n", cores(), load());
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  private static int cores() {
    return Runtime.getRuntime().availableProcessors();
  }

  private static String json(PipelineBenchmark.Load load, List<PipelineBenchmark.Row> rows)
      throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("batch_size", load.batchSize())
        .put("batches", load.batches())
        .put("partitions", load.partitions())
        .put("form", load.form().toString())
        .put("cores", cores())
        .put("load_average", load());
    ArrayNode list = root.putArray("rows");
    for (PipelineBenchmark.Row row : rows) {
      list.addObject()
          .put("method", row.method())
          .put("guarded", row.guarded())
          .put("model_samples_per_second", row.modelRate())
          .put("pipeline_samples_per_second", row.pipelineRate())
          .put("ratio", row.ratio())
          .put("model_ms", row.modelMillis())
          .put("frozen_share_of_batches", row.frozenShare())
          .put("commit_ms", row.commitMillis())
          .put("journal_bytes_per_batch", row.journalBytes());
    }
    return mapper.writeValueAsString(root) + "\n";
  }

  private static String text(PipelineBenchmark.Load load, List<PipelineBenchmark.Row> rows) {
    List<List<String>> table = new ArrayList<>();
    table.add(
        List.of(
            "method",
            "model samples/s",
            "pipeline samples/s",
            "ratio",
            "model ms",
            "frozen beside %",
            "commit ms",
            "journal B/batch"));
    for (PipelineBenchmark.Row row : rows) {
      table.add(
          List.of(
              row.method() + (row.guarded() ? ", guarded" : ""),
              String.format(Locale.ROOT, "%.0f", row.modelRate()),
              String.format(Locale.ROOT, "%.0f", row.pipelineRate()),
              String.format(Locale.ROOT, "%.3f", row.ratio()),
              String.format(Locale.ROOT, "%.2f", row.modelMillis()),
              String.format(Locale.ROOT, "%.0f", 100 * row.frozenShare()),
              String.format(Locale.ROOT, "%.2f", row.commitMillis()),
              String.format(Locale.ROOT, "%.0f", row.journalBytes())));
    }
    return String.format(
            Locale.ROOT,
            "Batches of %d, %s requests, %d partition(s). ",
            load.batchSize(),
            load.form(),
            load.partitions())
        + machine()
        + TextTable.of(table);
  }
}
