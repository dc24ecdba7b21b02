package dev.acclimate.simulate;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What the columns of domains are called in a table: their names where there are few, otherwise
 * short forms.
 *
 * @param heads one a domain, all different
 * @param legend what short forms stand for, lines below the table; empty where there are none
 */
record DomainHeads(List<String> heads, String legend) {
  private static final int FEW = 6;
  private static final int LENGTH = 6;
  private static final int WIDEST_LINE = 100;

  static DomainHeads of(List<String> domains) {
    if (domains.size() < FEW) {
      return new DomainHeads(domains, "");
    }
    List<String> heads = domains.stream().map(DomainHeads::shorten).toList();
    if (new HashSet<>(heads).size() < heads.size()) {
      heads = IntStream.rangeClosed(1, domains.size()).mapToObj(d -> "(" + d + ")").toList();
    }
    return new DomainHeads(heads, legend(heads, domains));
  }

  /** {@code gauss.} of {@code gaussian_noise}, {@code gauss.2} of {@code gaussian_noise (2)}. */
  private static String shorten(String domain) {
    String[] parts = domain.split(" ", 2);
    String round = parts.length == 1 ? "" : parts[1].replaceAll("[()]", "");
    String first = parts[0].split("_", 2)[0];
    return (first.length() <= LENGTH && first.equals(parts[0])
            ? first
            : first.substring(0, Math.min(LENGTH - 1, first.length())) + ".")
        + round;
  }

  private static String legend(List<String> heads, List<String> domains) {
    StringBuilder legend = new StringBuilder();
    List<String> line = new ArrayList<>();
    for (int d = 0; d < domains.size(); d++) {
      if (!heads.get(d).equals(domains.get(d))) {
        String entry = String.format(Locale.ROOT, "%s %s", heads.get(d), domains.get(d));
        if (String.join(", ", line).length() + entry.length() > WIDEST_LINE) {
          legend.append(String.join(", ", line)).append(",\n");
          line.clear();
        }
        line.add(entry);
      }
    }
    legend.append(String.join(", ", line));
    return legend.isEmpty() ? "" : legend.append('\n').toString();
  }
}
