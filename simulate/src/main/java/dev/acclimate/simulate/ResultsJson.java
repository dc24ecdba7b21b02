package dev.acclimate.simulate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.simulate.StreamMetrics.DomainResult;
import dev.acclimate.simulate.StreamMetrics.Recovery;
import dev.acclimate.simulate.Verdict.Candidate;
import java.util.List;
import java.util.function.Function;

/**
 * {@code results.json}: all runs, a summary of each setting over its seeds, and the verdicts. The
 * same seeds give the same file but for {@code seconds} and {@code samples_per_second}.
 */
final class ResultsJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ResultsJson() {}

  static String of(SimulationReport report) {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", report.model());
    put(root, "seed", report.trials(), Trial::seed);
    put(root, "batch_size", report.trials(), Trial::batchSize);
    put(root, "order", report.trials(), Trial::order);
    put(root, "domains", report.trials(), Trial::domains);
    ObjectNode origin = root.putObject("provenance");
    report.provenance().forEach(origin::put);
    verdict(root.putObject("verdict"), report.verdict());
    ArrayNode runs = root.putArray("runs");
    ArrayNode frozen = root.putArray("frozen");
    ArrayNode summaries = root.putArray("summary");
    for (Setting setting : report.settings()) {
      for (int t = 0; t < setting.trials().size(); t++) {
        Trial trial = setting.trials().get(t);
        run(frozen.addObject(), trial, trial.frozen(), trial.frozenMetrics());
        for (int m = 0; m < trial.runs().size(); m++) {
          run(runs.addObject(), trial, trial.runs().get(m), setting.metrics().get(t).get(m));
        }
      }
      summary(summaries.addObject(), setting, report.verdict(setting));
    }
    if (!report.sweeps().isEmpty()) {
      ArrayNode sweeps = root.putArray("sweep");
      report.sweeps().forEach(sweep -> sweep(sweeps.addObject(), sweep, report.settings()));
    }
    siteShift(root.putObject("site_shift"), report.profile());
    return root.toPrettyString() + "\n";
  }

  private static void siteShift(ObjectNode node, StreamProfile profile) {
    node.put("measure", "2-Wasserstein distance in source deviations, root mean square");
    node.put("samples", profile.measured());
    node.set("sites", JSON.valueToTree(profile.sites()));
    ArrayNode domains = node.putArray("domains");
    for (DomainProfile domain : profile.domains()) {
      ObjectNode one = domains.addObject().put("domain", domain.domain());
      one.set("shifts", JSON.valueToTree(domain.shifts()));
    }
  }

  /** One value where all trials agree, a list where they do not. */
  private static void put(
      ObjectNode root, String name, List<Trial> trials, Function<Trial, Object> value) {
    List<Object> values = trials.stream().map(value).distinct().toList();
    root.set(name, JSON.valueToTree(values.size() == 1 ? values.get(0) : values));
  }

  private static void run(ObjectNode node, Trial trial, MethodRun run, StreamMetrics metrics) {
    node.put("method", run.method());
    node.put("schedule", trial.domains());
    node.put("order", trial.order());
    node.put("batch_size", trial.batchSize());
    node.put("seed", trial.seed());
    node.put("error_rate", metrics.errorRate());
    node.put("samples", metrics.samples());
    node.put("seconds", Math.round(run.seconds() * 1000) / 1000.0);
    node.put("rejected_steps", run.rejectedSteps());
    node.put("state_bytes", run.stateBytes());
    node.put("ece", metrics.calibrationError());
    node.put("entropy", metrics.entropy());
    node.put("disagreement", metrics.disagreement());
    number(node, "recovery_samples", metrics.recovery());
    ArrayNode recoveries = node.putArray("recoveries");
    for (Recovery one : metrics.recoveries()) {
      recoveries
          .addObject()
          .put("stretch", one.stretch())
          .put("from", one.from())
          .put("samples", one.samples());
    }
    number(node, "forgetting", metrics.forgetting());
    node.put("window", metrics.window());
    window(node.putObject("worst_window"), metrics.worst(), "error_rate");
    window(node.putObject("worst_against_frozen"), metrics.risk(), "excess_error_rate");
    ArrayNode parts = node.putArray("domains");
    for (DomainResult domain : metrics.domains()) {
      parts
          .addObject()
          .put("domain", domain.domain())
          .put("samples", domain.samples())
          .put("errors", domain.errors())
          .put("error_rate", domain.errorRate());
    }
    node.put("curve_step", metrics.curveStep());
    node.put("curve_window", metrics.curveWindow());
    ArrayNode curve = node.putArray("curve");
    metrics.curve().forEach(curve::add);
  }

  private static void window(ObjectNode node, StreamMetrics.Window window, String rate) {
    node.put("from", window.from());
    node.put(rate, window.rate());
  }

  private static void number(ObjectNode node, String name, double value) {
    if (!Double.isNaN(value)) {
      node.put(name, value);
    }
  }

  private static void summary(ObjectNode node, Setting setting, Verdict verdict) {
    setting(node, setting);
    node.put("seeds", setting.trials().size());
    ArrayNode methods = node.putArray("methods");
    for (int m = 0; m < setting.methods().size(); m++) {
      ObjectNode method = methods.addObject();
      method.put("method", setting.methods().get(m));
      spread(method, setting.errorRate(m));
      method.put("samples_per_second", Math.round(setting.samplesPerSecond(m)));
      ArrayNode domains = method.putArray("domains");
      for (int d = 0; d < setting.domainNames().size(); d++) {
        spread(
            domains.addObject().put("domain", setting.domainNames().get(d)),
            setting.errorRate(m, d));
      }
    }
    verdict(node.putObject("verdict"), verdict);
  }

  private static void verdict(ObjectNode said, Verdict verdict) {
    said.put("method", verdict.chosen());
    said.put("text", verdict.text());
    said.put("settings", verdict.settings());
    ArrayNode candidates = said.putArray("candidates");
    for (Candidate candidate : verdict.candidates()) {
      ObjectNode one = candidates.addObject();
      one.put("method", candidate.method());
      one.put("gain", candidate.gain());
      if (Double.isFinite(candidate.low())) {
        one.putArray("interval").add(candidate.low()).add(candidate.high());
      }
      one.put("risk", candidate.risk());
      one.put("risk_window", candidate.window());
      one.put("risk_at", candidate.riskAt());
      number(one, "clean_cost", candidate.cleanCost());
      ArrayNode harms = one.putArray("harms");
      candidate
          .harms()
          .forEach(harm -> harms.addObject().put("where", harm.where()).put("cost", harm.cost()));
    }
  }

  private static void sweep(ObjectNode node, Sweep sweep, List<Setting> settings) {
    node.put("method", sweep.method());
    node.put("option", sweep.option());
    sweep.values().forEach(node.putArray("values")::add);
    ArrayNode lines = node.putArray("lines");
    for (Setting setting : settings) {
      for (List<String> methods : sweep.lines(setting.methods())) {
        ObjectNode line = lines.addObject();
        setting(line, setting);
        methods.forEach(line.putArray("methods")::add);
        ArrayNode rates = line.putArray("error_rate");
        ArrayNode deviations = line.putArray("error_rate_sd");
        for (String method : methods) {
          Spread spread = setting.errorRate(setting.methods().indexOf(method));
          rates.add(spread.mean());
          deviations.add(spread.deviation());
        }
      }
    }
  }

  private static void setting(ObjectNode node, Setting setting) {
    node.put("schedule", setting.domains());
    node.put("order", setting.order());
    node.put("batch_size", setting.batchSize());
  }

  private static void spread(ObjectNode node, Spread spread) {
    node.put("error_rate", spread.mean());
    node.put("error_rate_sd", spread.deviation());
  }
}
