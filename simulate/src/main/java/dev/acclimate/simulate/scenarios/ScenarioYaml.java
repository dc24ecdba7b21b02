package dev.acclimate.simulate.scenarios;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.config.ConfigSection;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@link Scenario}s. What domains there are is known only when a data set is. */
final class ScenarioYaml {
  /** What reports call later visits to a segment of the same name. */
  private static final Pattern VISIT = Pattern.compile(".* \\(\\d+\\)");

  private static final int MOST_SAMPLES = 10_000_000;
  private static final int MOST_REPEATS = 1000;
  private static final int MOST_SEGMENTS = 10_000;
  private static final Duration LONGEST_GAP = Duration.ofDays(1);
  private static final Ramp DEFAULT_SEVERITY = new Ramp(5, 5);

  private final ConfigSection yaml;

  private ScenarioYaml(ConfigSection yaml) {
    this.yaml = yaml;
  }

  static Scenario read(String name, ConfigSection root) {
    String description = root.optionalText("description").orElse("");
    int repeat = root.number("repeat", 1, 1, MOST_REPEATS);
    List<ScenarioSegment> once = new ArrayList<>();
    for (ConfigSection segment : root.sections("segments", "segment")) {
      int copies = segment.number("repeat", 1, 1, MOST_REPEATS);
      once.addAll(Collections.nCopies(copies, new ScenarioYaml(segment).segment()));
    }
    root.done();
    if ((long) once.size() * repeat > MOST_SEGMENTS) {
      throw root.wrong(
          "repeat",
          "at most " + MOST_SEGMENTS + " segments in all",
          "" + once.size() * (long) repeat);
    }
    List<ScenarioSegment> all = new ArrayList<>();
    for (int i = 0; i < repeat; i++) {
      all.addAll(once);
    }
    return new Scenario(name, description, all);
  }

  private ScenarioSegment segment() {
    List<String> domains =
        yaml.list("domain", "the name of a domain, or a list of them", Function.identity())
            .orElse(List.of(Corruption.NONE.id()));
    if (domains.size() > 1 && domains.contains(Corruption.NONE.id())) {
      throw yaml.wrong("domain", "none by itself", domains.toString());
    }
    ScenarioSegment segment =
        new ScenarioSegment(
            name().orElse(String.join("+", domains)),
            domains,
            severities(domains),
            order(),
            yaml.list("classes", "numbers or names of classes", Function.identity())
                .orElse(List.of()),
            yaml.flag("stuck", false),
            samples(),
            yaml.list(
                    "batch-sizes",
                    "whole numbers from 1 to " + ScenarioSegment.LARGEST_BATCH,
                    ScenarioYaml::batchSize)
                .orElse(List.of()),
            yaml.flag("reset", false),
            yaml.duration("gap", Duration.ZERO, LONGEST_GAP).toNanos() / 1e9,
            arrivals());
    yaml.done();
    return segment;
  }

  private Optional<String> name() {
    Optional<String> name = yaml.optionalText("name");
    name.ifPresent(
        text -> {
          if (text.chars().anyMatch(Character::isISOControl)) {
            throw yaml.wrong("name", "one line of text", "'" + text + "'");
          }
          if (VISIT.matcher(text).matches()) {
            throw yaml.wrong(
                "name",
                "no number in brackets at its end: reports count visits so",
                "'" + text + "'");
          }
        });
    return name;
  }

  private List<Ramp> severities(List<String> domains) {
    Optional<List<Ramp>> given = yaml.list("severity", Ramp.KNOWN, Ramp::parse);
    if (given.isPresent() && domains.equals(List.of(Corruption.NONE.id()))) {
      throw yaml.wrong("severity", "a domain that it is of", "none");
    }
    List<Ramp> severities = given.orElse(List.of(DEFAULT_SEVERITY));
    if (severities.size() == 1) {
      return Collections.nCopies(domains.size(), severities.get(0));
    }
    if (severities.size() != domains.size()) {
      throw yaml.wrong(
          "severity", "one, or one a domain (" + domains.size() + ")", "" + severities.size());
    }
    return severities;
  }

  private SampleOrder order() {
    return yaml.checked(
        () ->
            new SampleOrder(
                yaml.optionalText("order").map(Order::parse).orElse(Order.DIRICHLET),
                yaml.realNumber("delta").orElse(SampleOrder.DEFAULT_DELTA),
                yaml.realNumber("stay").orElse(SampleOrder.DEFAULT_STAY),
                yaml.realNumber("imbalance").orElse(SampleOrder.DEFAULT_IMBALANCE)));
  }

  private @Nullable Integer samples() {
    int samples = yaml.number("samples", 0, 1, MOST_SAMPLES);
    return samples == 0 ? null : samples;
  }

  private static int batchSize(String text) {
    int size = Integer.parseInt(text);
    if (size < 1 || size > ScenarioSegment.LARGEST_BATCH) {
      throw new InvalidInputException("batch size " + size);
    }
    return size;
  }

  private @Nullable Arrivals arrivals() {
    OptionalDouble rate = yaml.realNumber("rate");
    Optional<String> process = yaml.optionalText("arrivals");
    return process.isEmpty() && rate.isEmpty()
        ? null
        : yaml.checked(() -> Arrivals.parse(process.orElse("uniform"), rate));
  }
}
