package dev.acclimate.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.TextTable;
import java.io.IOException;
import java.io.PrintWriter;
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
      "all alike, and prints each median with its ratio to the frozen model (source)."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate bench resnet20.onnx --methods source,alpha-bn,unmix-tns \\",
      "    --batch-size 64 --threads 1"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or builtin.")
  private String model;

  @Option(
      names = "--methods",
      paramLabel = "LIST",
      defaultValue = "source,tbn,bn-prior,ema,alpha-bn,unmix-tns,adab2n",
      description = "Comma-separated. Default: ${DEFAULT-VALUE}.")
  private String methods;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "64",
      description = "Samples a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "40",
      description = "Timed batches per method. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--shape",
      paramLabel = "LIST",
      description =
          "Sizes after the batch axis, such as 3,224,224, where the model leaves them open.")
  private @Nullable String shape;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private SessionOptions session;

  @Override
  public Integer call() throws IOException {
    if (batchSize < 1 || rounds < 1) {
      throw new InvalidInputException("--batch-size and --rounds: expected at least 1");
    }
    OnnxModel loaded = new ModelArgument(model).load();
    List<Benchmark.Row> rows =
        new Benchmark(loaded, Method.splitList(methods), batchSize, sizes(), session.settings())
            .run(rounds);
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? json(rows) : text(rows));
    out.flush();
    return 0;
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
    table.add(List.of("method", "batch", "median ms", "ratio to source"));
    for (Benchmark.Row row : rows) {
      table.add(
          List.of(
              row.method(),
              Integer.toString(row.batchSize()),
              String.format(Locale.ROOT, "%.2f", row.medianMillis()),
              String.format(Locale.ROOT, "%.3f", row.ratioToSource())));
    }
    return TextTable.of(table);
  }
}
