package dev.acclimate.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.agent.load.LoadGenerator;
import dev.acclimate.agent.load.Overload;
import dev.acclimate.agent.load.Tally;
import dev.acclimate.agent.load.Wire;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.TextTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What {@code bench} does with {@code --serve}. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ServeBenchOptions {
  static final String FORMS = "binary,json,grpc";
  private static final int ROUNDS = 3;
  private static final double MEBIBYTE = 1 << 20;

  @Option(names = "--serve", description = "Time the model behind HTTP.")
  private boolean serve;

  @Option(
      names = "--clients",
      paramLabel = "LIST",
      defaultValue = "1,8,64",
      description =
          "With --serve: how many clients ask at a time; under overload, the last of them before"
              + " and after. Default: ${DEFAULT-VALUE}.")
  private String clients;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "5",
      description = "With --serve: length of a round. Default: ${DEFAULT-VALUE}.")
  private double seconds;

  @Option(
      names = "--delay",
      paramLabel = "TIME",
      defaultValue = "0ms",
      description = "With --serve: the server's batch.delay. Default: ${DEFAULT-VALUE}.")
  private String delay;

  @Option(
      names = "--heap",
      paramLabel = "SIZE",
      description = "With --serve: the server's -Xmx, such as 256m. Default: Java's.")
  private @Nullable String heap;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = {
        "With --serve: requests a second that are sent whatever becomes of them, such as 2000, or",
        "3x for three times what the clients get answered. Prints what the server does meanwhile."
      })
  private @Nullable String rate;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      defaultValue = "10",
      description = "With --rate: for how long. Default: ${DEFAULT-VALUE}.")
  private double minutes;

  boolean wanted() {
    return serve;
  }

  ServingBenchmark.Server server(int maxBatch) {
    return new ServingBenchmark.Server(
        maxBatch, delay, heap == null ? List.of() : List.of("-Xmx" + heap));
  }

  /**
   * Runs and prints.
   *
   * @param forms as the user wrote them
   * @param rounds null for the default
   * @return false where answers were wrong or missing
   */
  boolean run(
      ServingBenchmark benchmark,
      String forms,
      @Nullable Integer rounds,
      boolean json,
      PrintWriter out)
      throws IOException {
    List<Wire> wires = list("--form", forms, Wire::parse);
    List<Integer> counts = list("--clients", clients, ServeBenchOptions::count);
    Duration time = duration("--seconds", seconds, 1e9);
    if (rate != null) {
      return overload(benchmark, wires.get(0), counts.get(counts.size() - 1), time, json, out);
    }
    List<ServingBenchmark.Row> rows =
        benchmark.run(wires, counts, time, rounds == null ? ROUNDS : rounds);
    out.print(json ? json(rows) : BenchCommand.machine() + text(rows));
    return true;
  }

  private static <T> List<T> list(String option, String text, Function<String, T> reading) {
    try {
      return Arrays.stream(text.split(",", -1)).map(String::strip).map(reading).toList();
    } catch (InvalidInputException e) {
      throw new InvalidInputException(option + ": " + e.getMessage(), e);
    }
  }

  private static int count(String text) {
    try {
      int count = Integer.parseInt(text);
      if (count >= 1 && count <= 1024) {
        return count;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new InvalidInputException("expected numbers from 1 to 1024, found '" + text + "'");
  }

  private static Duration duration(String option, double value, double nanos) {
    if (!(value > 0 && value <= 100_000)) {
      throw new InvalidInputException(option + ": expected more than 0, found " + value);
    }
    return Duration.ofNanos((long) (value * nanos));
  }

  private DoubleUnaryOperator rate(String text) {
    boolean times = text.endsWith("x");
    try {
      double value = Double.parseDouble(times ? text.substring(0, text.length() - 1) : text);
      if (value > 0 && value < 1e6) {
        return times ? capacity -> value * capacity : capacity -> value;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new InvalidInputException(
        "--rate: expected requests a second or a factor such as 3x, found '" + text + "'");
  }

  private boolean overload(
      ServingBenchmark benchmark,
      Wire wire,
      int count,
      Duration closedTime,
      boolean json,
      PrintWriter out)
      throws IOException {
    DoubleUnaryOperator asked = rate(String.valueOf(rate));
    Duration time = duration("--minutes", minutes, 60e9);
    if (!json) {
      out.print(BenchCommand.machine());
      out.println(TextTable.line(PERIOD_COLUMNS, PERIOD_WIDTHS));
      out.println(TextTable.rule(PERIOD_WIDTHS));
      out.flush();
    }
    Overload.Result result =
        benchmark.overload(
            wire,
            count,
            closedTime,
            asked,
            time,
            period -> {
              if (!json) {
                out.println(TextTable.line(cells(period), PERIOD_WIDTHS));
                out.flush();
              }
            });
    out.print(json ? json(result) : text(result, count));
    return result.isClean();
  }

  private static final List<String> PERIOD_COLUMNS =
      List.of(
          "time s",
          "sent/s",
          "200",
          "503",
          "504",
          "other",
          "lost",
          "wrong",
          "p50 ms",
          "p99 ms",
          "heap MiB",
          "resident MiB");

  private static final int[] PERIOD_WIDTHS = {6, 6, 7, 7, 5, 5, 5, 5, 7, 7, 8, 12};

  private static List<String> cells(Overload.Period period) {
    Tally tally = period.tally();
    return List.of(
        number("%.0f", period.seconds()),
        number("%.0f", period.sentRate()),
        Long.toString(tally.count(200)),
        Long.toString(tally.count(503)),
        Long.toString(tally.count(504)),
        Long.toString(tally.others()),
        Long.toString(tally.unansweredRequests()),
        Long.toString(tally.wrong()),
        number("%.1f", tally.millis(50)),
        number("%.1f", tally.millis(99)),
        number("%.0f", period.heapBytes() / MEBIBYTE),
        number("%.0f", period.residentBytes() / MEBIBYTE));
  }

  private static String number(String form, double value) {
    return String.format(Locale.ROOT, form, value);
  }

  private static String text(Overload.Result result, int clients) {
    Tally total = result.total();
    return String.format(
        Locale.ROOT,
        "%nOf %d requests %d were answered, %d of these wrongly; %d were refused (503), %d of these"
            + " without Retry-After; %d were late (504); %d got another status, %d no answer.%n"
            + "%d clients who wait: before %s, after %s.%n",
        total.requests(),
        total.count(200),
        total.wrong(),
        total.count(503),
        total.refusalsWithoutRetry(),
        total.count(504),
        total.others(),
        total.unansweredRequests(),
        clients,
        text(result.before()),
        text(result.after()));
  }

  private static String text(LoadGenerator.Waited waited) {
    return String.format(
        Locale.ROOT,
        "%.0f/s (p50 %.1f ms, p99 %.1f ms)",
        waited.rate(),
        waited.tally().millis(50),
        waited.tally().millis(99));
  }

  private static String json(Overload.Result result) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.set("before", json(mapper, result.before()));
    root.set("after", json(mapper, result.after()));
    root.set("total", json(mapper, result.total()));
    ArrayNode periods = root.putArray("periods");
    for (Overload.Period period : result.periods()) {
      ObjectNode one = json(mapper, period.tally());
      one.put("seconds", period.seconds())
          .put("sent_per_second", period.sentRate())
          .put("heap_bytes", period.heapBytes())
          .put("resident_bytes", period.residentBytes());
      periods.add(one);
    }
    return mapper.writeValueAsString(root) + "\n";
  }

  private static ObjectNode json(ObjectMapper mapper, LoadGenerator.Waited waited) {
    return json(mapper, waited.tally()).put("requests_per_second", waited.rate());
  }

  private static ObjectNode json(ObjectMapper mapper, Tally tally) {
    return mapper
        .createObjectNode()
        .put("requests", tally.requests())
        .put("ok", tally.count(200))
        .put("busy", tally.count(503))
        .put("busy_without_retry_after", tally.refusalsWithoutRetry())
        .put("late", tally.count(504))
        .put("other", tally.others())
        .put("unanswered", tally.unansweredRequests())
        .put("wrong", tally.wrong())
        .put("p50_ms", tally.millis(50))
        .put("p99_ms", tally.millis(99));
  }

  private static String json(List<ServingBenchmark.Row> rows) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    ArrayNode list = root.putArray("rows");
    for (ServingBenchmark.Row row : rows) {
      list.addObject()
          .put("form", row.wire().toString())
          .put("clients", row.clients())
          .put("batch_size", row.batchSize())
          .put("model_samples_per_second", row.bareRate())
          .put("served_samples_per_second", row.rate())
          .put("ratio", row.ratio())
          .put("model_ms", row.bareMillis())
          .put("p50_ms", row.p50())
          .put("p99_ms", row.p99())
          .put("p50_ratio", row.p50Ratio());
    }
    return mapper.writeValueAsString(root) + "\n";
  }

  private static String text(List<ServingBenchmark.Row> rows) {
    List<List<String>> table = new ArrayList<>();
    table.add(
        List.of(
            "form",
            "clients",
            "batch",
            "model samples/s",
            "served samples/s",
            "ratio",
            "model ms",
            "p50 ms",
            "p99 ms",
            "p50 ratio"));
    for (ServingBenchmark.Row row : rows) {
      table.add(
          List.of(
              row.wire().toString(),
              Integer.toString(row.clients()),
              Integer.toString(row.batchSize()),
              number("%.1f", row.bareRate()),
              number("%.1f", row.rate()),
              number("%.3f", row.ratio()),
              number("%.2f", row.bareMillis()),
              number("%.2f", row.p50()),
              number("%.2f", row.p99()),
              number("%.2f", row.p50Ratio())));
    }
    return TextTable.of(table);
  }
}
