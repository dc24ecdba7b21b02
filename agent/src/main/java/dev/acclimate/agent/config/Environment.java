package dev.acclimate.agent.config;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.config.ConfigSection.Replacement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What environment variables override: {@code ACCLIMATE_} and a key's path in upper case, dots and
 * dashes as underscores. Values are never repeated in complaints but for those that YAML could hold
 * as well.
 */
final class Environment {
  /**
   * What Kubernetes sets in each container for a service named acclimate or acclimate-something.
   */
  private static final Pattern SERVICE_LINK =
      Pattern.compile("ACCLIMATE_(\\w+_)?(SERVICE_(HOST|PORT\\w*)|PORT(_\\d+_(TCP|UDP)\\w*)?)");

  /** Variables of the process that are no keys. */
  private static final Set<String> OTHERS = Set.copyOf(Logging.variables());

  private final Keys keys;

  Environment(Keys keys) {
    this.keys = keys;
  }

  /** What the variables put in the place of the file's values, by name. */
  List<Replacement> replacements(Map<String, String> environment) {
    List<Replacement> replacements = new ArrayList<>();
    new TreeMap<>(environment)
        .forEach(
            (variable, text) -> {
              if (variable.startsWith(Key.PREFIX) && !OTHERS.contains(variable)) {
                replacements.add(replacement(variable, text));
              }
            });
    return replacements;
  }

  private Replacement replacement(String variable, String text) {
    Key<?> key = keys.byVariable().get(variable);
    if (key != null && !key.hasFreeNames()) {
      return replacement(variable, key.keys(), key, text);
    }
    for (Key<?> section : keys.all()) {
      String prefix = section.variable() + "_";
      if (section.hasFreeNames() && variable.startsWith(prefix)) {
        String rest = variable.substring(prefix.length());
        List<String> path = new ArrayList<>(section.keys());
        path.add(rest.toLowerCase(Locale.ROOT).replace('_', '.'));
        return replacement(variable, path, section, text);
      }
    }
    throw unknown(variable);
  }

  private static Replacement replacement(
      String variable, List<String> path, Key<?> key, String text) {
    return new Replacement(path, key.node(text), "environment: " + variable);
  }

  private InvalidInputException unknown(String variable) {
    String hint =
        SERVICE_LINK.matcher(variable).matches()
            ? "; Kubernetes sets it for a service of that name unless the pod has"
                + " enableServiceLinks: false"
            : "";
    return new InvalidInputException(
        "environment: "
            + variable
            + ": expected the name of a key, such as "
            + nearest(variable)
            + ", found one of no key"
            + hint);
  }

  private String nearest(String variable) {
    return keys.variables().stream()
        .min(Comparator.comparingInt(name -> distance(name, variable)))
        .orElseThrow();
  }

  /** How many characters must be put in, left out or changed to make one text of the other. */
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int changed = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[other.length()];
  }
}
