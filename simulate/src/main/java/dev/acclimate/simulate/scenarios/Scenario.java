package dev.acclimate.simulate.scenarios;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.config.ConfigSection;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A stream told segment by segment, as a YAML file has it:
 *
 * <pre>{@code
 * description: what it shows, in a line
 * repeat: 2                        # all segments, so often; default 1
 * segments:
 *   - name: dusk                   # in reports; default: the domain's
 *     domain: [darkness, fog]      # none, a corruption, several one after another, or a domain of
 *                                  # the data's own; default none
 *     severity: [0..4, 2.5]        # 0 to 5, or a ramp; one for all or one each; default 5
 *     order: markov                # iid, dirichlet, markov, sorted or as-is; default dirichlet
 *     delta: 0.1                   # of dirichlet
 *     stay: 0.95                   # of markov
 *     imbalance: 10                # which classes are rare hangs on the seed and the name
 *     classes: [0, 3, truck]       # by number or name; default all
 *     stuck: true                  # the first sample again and again; default false
 *     samples: 2000                # the set again and again where it has less; default: it once
 *     batch-sizes: [64, 8]         # in turn; default: the run's
 *     reset: true                  # the model forgets its state before; default false
 *     gap: 30s                     # nothing arrives before; default 0s
 *     arrivals: poisson            # uniform, poisson, bursty, bursty[...], trace:FILE; for replay
 *     rate: 50                     # samples a second
 *     repeat: 3                    # this segment, so often; default 1
 * }</pre>
 *
 * <p>Some come with Acclimate, see {@link #GALLERY}.
 *
 * @param name in reports
 * @param description what it shows, in a line; may be empty
 * @param segments one after another; those that repeat, as often as they come
 */
public record Scenario(String name, String description, List<ScenarioSegment> segments) {

  /** Names of those that come with Acclimate. */
  public static final List<String> GALLERY =
      List.of("night-falls", "camera-replaced", "factory-shift-change", "seasonal", "breakdowns");

  /** Ends the name of a file. */
  private static final String ENDING = ".yaml";

  public Scenario {
    segments = List.copyOf(segments);
  }

  /**
   * Reads a scenario.
   *
   * @param nameOrFile one of {@link #GALLERY}, or a file
   * @throws InvalidInputException if there is neither, or the file has an unknown key or a value
   *     that is of the wrong kind or out of range; the message names file, segment and key
   */
  public static Scenario read(String nameOrFile) {
    if (GALLERY.contains(nameOrFile)) {
      return parse(
          nameOrFile, "scenario " + nameOrFile, yaml(nameOrFile).getBytes(StandardCharsets.UTF_8));
    }
    Path file = Path.of(nameOrFile);
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          "scenario: expected a file, or one of %s, found \"%s\""
              .formatted(String.join(", ", GALLERY), nameOrFile));
    }
    String base = String.valueOf(file.getFileName());
    String name = base.endsWith(ENDING) ? base.substring(0, base.length() - ENDING.length()) : base;
    return ScenarioYaml.read(name, ConfigSection.read(file));
  }

  /** Reads the bytes of a file that messages call {@code file}. */
  static Scenario parse(String name, String file, byte[] yaml) {
    return ScenarioYaml.read(name, ConfigSection.parse(file, yaml));
  }

  /**
   * The text of a scenario that comes with Acclimate.
   *
   * @throws InvalidInputException if there is none of this name; the message lists those there are
   */
  public static String yaml(String name) {
    if (!GALLERY.contains(name)) {
      throw new InvalidInputException(
          "scenario: expected one of %s, found \"%s\"".formatted(String.join(", ", GALLERY), name));
    }
    try (InputStream in = Scenario.class.getResourceAsStream(name + ENDING)) {
      if (in == null) {
        throw new IllegalStateException("no resource " + name + ENDING);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("reading the scenario " + name, e);
    }
  }
}
