package dev.acclimate.simulate;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** What a simulation found, with all that is needed to repeat it. */
public final class SimulationReport {
  private final String model;
  private final Map<String, String> provenance;
  private final List<Trial> trials;
  private final StreamProfile profile;
  private final List<Sweep> sweeps;
  private final Map<Setting, Verdict> verdicts = new LinkedHashMap<>();

  /**
   * A report.
   *
   * @param model the model's file
   * @param provenance what else the result depends on: data, severity, digest, version, ...
   * @param trials one a stream, at least one
   * @param sweeps that the methods are made of
   * @param profile what the domains look like
   */
  public SimulationReport(
      String model,
      Map<String, String> provenance,
      List<Trial> trials,
      List<Sweep> sweeps,
      StreamProfile profile) {
    this.model = model;
    this.provenance = new TreeMap<>(provenance);
    this.trials = List.copyOf(trials);
    this.sweeps = List.copyOf(sweeps);
    this.profile = profile;
    Setting.group(trials).forEach(setting -> verdicts.put(setting, Verdict.on(setting)));
  }

  /** The model's file. */
  public String model() {
    return model;
  }

  /** What else the result depends on. */
  public Map<String, String> provenance() {
    return Collections.unmodifiableMap(provenance);
  }

  List<Trial> trials() {
    return trials;
  }

  List<Sweep> sweeps() {
    return sweeps;
  }

  /** What the domains look like. */
  public StreamProfile profile() {
    return profile;
  }

  /** Trials by how their stream is laid out. */
  public List<Setting> settings() {
    return List.copyOf(verdicts.keySet());
  }

  /** Which method to use where the stream is laid out so. */
  public Verdict verdict(Setting setting) {
    return Objects.requireNonNull(verdicts.get(setting));
  }

  /** Which method to use over all settings. */
  public Verdict verdict() {
    return verdicts.size() == 1
        ? verdicts.values().iterator().next()
        : Verdict.overall(Collections.unmodifiableMap(verdicts));
  }

  /** Tables of error rates, methods by domains, and the verdict on each setting. */
  public String toText() {
    return ResultsText.of(this);
  }

  static String percent(double fraction) {
    return String.format(Locale.ROOT, "%.1f", 100 * fraction);
  }

  /**
   * Writes {@code results.json} and {@code results.csv}.
   *
   * @throws dev.acclimate.models.InvalidInputException when the folder cannot be written to
   */
  public void write(OutputFolder folder) {
    folder.write("results.json", ResultsJson.of(this));
    folder.write("results.csv", ResultsCsv.of(this));
  }
}
