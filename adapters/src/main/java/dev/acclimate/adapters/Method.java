package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A way to adapt: what a normalization site becomes, and what state it keeps. Immutable.
 *
 * <p>{@link #parse} reads the names that users write; the methods themselves are in this package,
 * one class each, named after the paper they come from.
 */
public sealed interface Method
    permits Source, StatelessMethod, Ema, UnmixTns, Adab2n, Auto, CompanionMethod {

  /** The method's name without options. */
  String name();

  /** All options with their values, the defaults among them, in a fixed order. */
  Map<String, String> options();

  /** Name and all options: {@code alpha-bn[source-weight=0.9]}; {@link #parse} reads it back. */
  default String canonical() {
    return new MethodSpec(name(), options(), List.of()).toString();
  }

  /** True where this method changes how the site normalizes. */
  boolean adapts(NormalizationSite site);

  /** The kinds of state that each adapted site keeps; the same for all. */
  List<StateKind> stateKinds();

  /** The states that the model keeps once for all sites, at least one of which is adapted. */
  default List<SharedState> sharedStates(OnnxModel source, List<NormalizationSite> adapted) {
    return List.of();
  }

  /** True where it learns to be sure of its own predictions, so that these prove nothing. */
  default boolean sharpens() {
    return false;
  }

  /** True where the graph reads each sample's task, see {@link AdaptiveModel#TASK_INPUT}. */
  default boolean readsTasks() {
    return false;
  }

  /** True where {@link #initialState} needs statistics measured on source samples. */
  default boolean needsCalibration() {
    return false;
  }

  /** Number of calibrated components that {@link #initialState} needs, 0 where it needs none. */
  default int calibrationComponents() {
    return 0;
  }

  /**
   * A site's state before the first batch, in the order of {@link #stateKinds}; each {@code [rows,
   * C]}, row-major.
   *
   * @param site the site
   * @param random where a start is random
   * @param calibration the site's statistics on source samples, null where there are none
   */
  float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration);

  /** Writes the subgraph that takes the site's place. */
  void rewrite(SiteGraph graph);

  /**
   * Reads a method as users write it, such as {@code unmix-tns[components=128;momentum=0.5]}. A
   * companion's name alone stands for the method that its paper has it with: {@code core} for
   * {@code alpha-bn+core}.
   *
   * @throws InvalidInputException when there is no such method, companion or option, or a value is
   *     out of range
   */
  static Method parse(String text) {
    MethodSpec spec = Companion.complete(MethodSpec.parse(text));
    Method method = withoutCompanions(spec);
    return spec.companions().isEmpty() ? method : CompanionMethod.of(method, spec.companions());
  }

  private static Method withoutCompanions(MethodSpec spec) {
    Map<String, Function<OptionReader, Method>> known = new TreeMap<>();
    known.put(Source.NAME, options -> new Source());
    known.put(TestTimeBn.NAME, options -> new TestTimeBn());
    known.put(BnPrior.NAME, BnPrior::read);
    known.put(Ema.NAME, Ema::read);
    known.put(Adab2n.NAME, Adab2n::read);
    known.put(AlphaBn.NAME, AlphaBn::read);
    known.put(UnmixTns.NAME, UnmixTns::read);
    known.put(Auto.NAME, Auto::read);
    Function<OptionReader, Method> reader = known.get(spec.name());
    if (reader == null) {
      throw new InvalidInputException(
          "unknown method '"
              + spec.name()
              + "': expected one of "
              + String.join(", ", known.keySet()));
    }
    OptionReader options = new OptionReader(spec);
    Method method = reader.apply(options);
    options.done();
    return method;
  }

  /**
   * Splits a comma-separated list of methods; commas inside brackets do not count. The parts are
   * for {@link #parse}.
   */
  static List<String> splitList(String list) {
    return MethodSpec.splitList(list);
  }

  /**
   * A method as users write it with one option set, the others and their order as they are; a
   * companion's option is called {@code tent.steps}. Whether there is such an option shows when the
   * result is parsed.
   *
   * @throws InvalidInputException when the text does not have the form of a method
   */
  static String withOption(String text, String option, String value) {
    MethodSpec spec = MethodSpec.parse(text);
    return (option.indexOf('.') < 0 ? spec : Companion.complete(spec))
        .with(option, value)
        .toString();
  }
}
