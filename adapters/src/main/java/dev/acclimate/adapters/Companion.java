package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.gradients.Adam;
import dev.acclimate.models.gradients.Optimizer;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Learning beside a method that adapts statistics: gradient steps that move scale and offset (gamma
 * and beta) of the adapted sites, or other parameters too, with each batch without labels or,
 * later, from labels.
 *
 * @param kind which one
 * @param objective what the steps make smaller
 * @param algorithm how gradients become steps
 * @param momentum of {@code sgd}
 * @param learningRate length of a step
 * @param steps for each batch
 * @param parameters which ones learn; affine for scale and offset of the adapted sites
 * @param maxGradientNorm longer gradients are cut to that length; 0 for no limit
 * @param maxStep longest step, as a part of the length of the parameters; longer ones are not taken
 * @param output the model's output that holds the scores, empty for the first
 */
record Companion(
    Kind kind,
    Objective objective,
    Algorithm algorithm,
    double momentum,
    double learningRate,
    int steps,
    ParameterSet parameters,
    double maxGradientNorm,
    double maxStep,
    String output) {
  /**
   * Of {@code tent} beside statistics that outlast a batch, which let it call everything the same:
   * the released settings of UnMix-TNS for CIFAR-10-C and batches of 64.
   */
  private static final double TENT_BESIDE_LASTING = 1e-5;

  /** The companions by the name that users write, with the settings of their papers. */
  enum Kind {
    /** The released settings for CIFAR-10-C; for ImageNet it is sgd with 0.00025. */
    TENT(TestTimeBn.NAME, Algorithm.ADAM, 1e-3),
    CORE(AlphaBn.NAME, Algorithm.SGD, 1e-3),
    /** For ImageNet; the paper takes 0.005 for CIFAR-10. */
    ETA(TestTimeBn.NAME, Algorithm.SGD, 2.5e-4),
    SAR(TestTimeBn.NAME, Algorithm.SGD, 2.5e-4),
    /** Ours: labels are few and late, so a step is longer than without them. */
    SUPERVISED(TestTimeBn.NAME, Algorithm.SGD, 1e-2);

    private final String base;
    private final Algorithm algorithm;
    private final double learningRate;

    Kind(String base, Algorithm algorithm, double learningRate) {
      this.base = base;
      this.algorithm = algorithm;
      this.learningRate = learningRate;
    }

    /** The default rate beside a method for statistics. */
    private double learningRate(String statistics) {
      return this == TENT && !statistics.equals(base) ? TENT_BESIDE_LASTING : learningRate;
    }

    private Objective objective(OptionReader options) {
      return switch (this) {
        case TENT -> new Entropy();
        case CORE -> ClassCorrelation.read(options);
        case ETA -> ReliableEntropy.read(options);
        case SAR -> SharpnessAwareEntropy.read(options);
        case SUPERVISED -> LabelledCrossEntropy.read(options);
      };
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How gradients become steps. */
  enum Algorithm {
    SGD,
    ADAM;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A companion that stands alone, put beside the method that its paper has it with. */
  static MethodSpec complete(MethodSpec spec) {
    for (Kind kind : Kind.values()) {
      if (kind.toString().equals(spec.name())) {
        MethodSpec alone = new MethodSpec(spec.name(), spec.options(), List.of());
        return new MethodSpec(
            kind.base,
            Map.of(),
            Stream.concat(Stream.of(alone), spec.companions().stream()).toList());
      }
    }
    return spec;
  }

  /**
   * Reads a companion.
   *
   * @param statistics name of the method for statistics that it stands beside
   * @throws InvalidInputException when there is none of that name, or an option does not fit
   */
  static Companion read(MethodSpec spec, String statistics) {
    for (Kind kind : Kind.values()) {
      if (kind.toString().equals(spec.name())) {
        OptionReader options = new OptionReader(spec);
        Companion companion = read(kind, options, statistics);
        options.done();
        return companion;
      }
    }
    throw new InvalidInputException(
        "unknown companion '+"
            + spec.name()
            + "': expected one of "
            + List.of(Kind.values())
            + ", and +nap behind it");
  }

  private static Companion read(Kind kind, OptionReader options, String statistics) {
    double rate =
        options.number("learning-rate", kind.learningRate(statistics), 0, false, Double.MAX_VALUE);
    Algorithm algorithm = options.choice("optimizer", kind.algorithm, Algorithm.class);
    double momentum =
        algorithm == Algorithm.SGD ? options.number("momentum", 0.9, 0, false, 0.9999) : 0;
    int steps = options.integer("steps", 1, 1, 16);
    return new Companion(
        kind,
        kind.objective(options),
        algorithm,
        momentum,
        rate,
        steps,
        parameters(options.text("parameters")),
        options.number("max-gradient-norm", 0, 0, false, Double.MAX_VALUE),
        options.number("max-step", 0.1, 0, true, Double.MAX_VALUE),
        options.text("output"));
  }

  private static ParameterSet parameters(String text) {
    return text.isEmpty() ? ParameterSet.affine() : ParameterSet.parse(text);
  }

  String name() {
    return kind.toString();
  }

  /** How labels become steps; empty where learning needs none. */
  Optional<Lessons> lessons() {
    return objective instanceof LabelledCrossEntropy labelled
        ? Optional.of(labelled.lessons())
        : Optional.empty();
  }

  Optimizer optimizer() {
    return algorithm == Algorithm.ADAM ? Adam.standard() : Sgd.withMomentum(momentum);
  }

  /** All options with their values, in a fixed order. */
  Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("learning-rate", Double.toString(learningRate));
    options.put("optimizer", algorithm.toString());
    if (algorithm == Algorithm.SGD) {
      options.put("momentum", Double.toString(momentum));
    }
    options.put("steps", Integer.toString(steps));
    options.put("parameters", parameters.toString());
    options.putAll(objective.options());
    options.put("max-gradient-norm", Double.toString(maxGradientNorm));
    options.put("max-step", Double.toString(maxStep));
    if (!output.isEmpty()) {
      options.put("output", output);
    }
    return options;
  }

  @Override
  public String toString() {
    return new MethodSpec(name(), options(), List.of()).toString();
  }
}
