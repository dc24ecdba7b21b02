package dev.acclimate.simulate;

import dev.acclimate.simulate.StreamMetrics.DomainResult;
import java.util.Locale;

/** {@code results.csv}: a row for each domain of each run. */
final class ResultsCsv {
  private static final String HEADER =
      "schedule,order,batch_size,seed,method,domain,samples,errors,error_rate\n";

  private ResultsCsv() {}

  static String of(SimulationReport report) {
    StringBuilder csv = new StringBuilder(HEADER);
    for (Setting setting : report.settings()) {
      for (int t = 0; t < setting.trials().size(); t++) {
        Trial trial = setting.trials().get(t);
        for (int m = 0; m < trial.runs().size(); m++) {
          for (DomainResult domain : setting.metrics().get(t).get(m).domains()) {
            csv.append(quoted(trial.domains())).append(',').append(trial.order()).append(',');
            csv.append(trial.batchSize()).append(',').append(trial.seed()).append(',');
            csv.append(quoted(trial.runs().get(m).method())).append(',');
            csv.append(quoted(domain.domain())).append(',').append(domain.samples()).append(',');
            csv.append(domain.errors()).append(',');
            csv.append(String.format(Locale.ROOT, "%.6f", domain.errorRate())).append('\n');
          }
        }
      }
    }
    return csv.toString();
  }

  private static String quoted(String text) {
    return text.matches("[^\",\\r\\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}
