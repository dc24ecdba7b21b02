package dev.acclimate.adapters;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Optimizer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A method that adapts statistics, with a companion that learns scale and offset of the sites which
 * it adapts, or other parameters too. These, and what the optimizer remembers of them, are state
 * like the statistics.
 *
 * @param base adapts the statistics
 * @param companion learns
 * @param nap projects what was learnt; null where it is free
 */
record CompanionMethod(Method base, Companion companion, @Nullable Nap nap) implements Method {
  private static final List<String> SITES_OWN =
      List.of(LearntParameters.GAMMA, LearntParameters.BETA);

  /** Steps taken, counted for a projection that is not due at each. */
  static final String STEPS = "learning_step";

  private static final String OPTIMIZER = "optimizer_";

  static CompanionMethod of(Method base, List<MethodSpec> companions) {
    List<MethodSpec> learning = new ArrayList<>(companions);
    MethodSpec last = learning.get(learning.size() - 1);
    Nap nap = last.name().equals(Nap.NAME) ? Nap.read(last) : null;
    if (nap != null) {
      learning.remove(last);
    }
    if (learning.isEmpty() || learning.get(0).name().equals(Nap.NAME)) {
      throw new InvalidInputException(
          "method '%s+nap': nap projects what a companion learns: put it behind one, such as %s"
              .formatted(base.name(), "tbn+supervised+nap"));
    }
    Companion companion = Companion.read(learning.get(0), base.name());
    for (MethodSpec other : learning.subList(1, learning.size())) {
      Companion.read(other, base.name());
      throw new InvalidInputException(
          "method '%s+%s+%s': one companion at a time: leave '+%s' or '+%s' out"
              .formatted(
                  base.name(), companion.name(), other.name(), companion.name(), other.name()));
    }
    if (base instanceof Source) {
      throw new InvalidInputException(
          "method 'source+%s': source adapts no site whose scale and offset could be learnt: use %s"
              .formatted(companion.name(), "tbn+" + companion.name()));
    }
    if (nap != null && !companion.parameters().isAffine()) {
      throw new InvalidInputException(
          "method '%s+%s+nap': nap projects scale and offset: leave it out, or take parameters=affine"
              .formatted(base.name(), companion.name()));
    }
    return new CompanionMethod(base, companion, nap);
  }

  @Override
  public boolean sharpens() {
    return companion.lessons().isEmpty();
  }

  @Override
  public String name() {
    return base.name() + "+" + companion.name() + (nap == null ? "" : "+" + Nap.NAME);
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>(base.options());
    companion.options().forEach((key, value) -> options.put(companion.name() + "." + key, value));
    if (nap != null) {
      nap.options().forEach((key, value) -> options.put(Nap.NAME + "." + key, value));
    }
    return options;
  }

  @Override
  public String canonical() {
    return base.canonical() + "+" + companion + (nap == null ? "" : "+" + nap);
  }

  @Override
  public boolean adapts(NormalizationSite site) {
    return base.adapts(site);
  }

  @Override
  public List<StateKind> stateKinds() {
    return Stream.concat(base.stateKinds().stream(), learntKinds().stream()).toList();
  }

  /** Gamma and beta, then what the optimizer keeps of each. */
  private List<StateKind> learntKinds() {
    List<StateKind> kinds = new ArrayList<>();
    for (String parameter : SITES_OWN) {
      kinds.add(new StateKind(parameter, 0));
    }
    for (String parameter : SITES_OWN) {
      companion.optimizer().slots().stream()
          .filter(Optimizer.Slot::perElement)
          .forEach(slot -> kinds.add(new StateKind(slotName(parameter, slot), 0)));
    }
    return kinds;
  }

  /** The state that holds an optimizer's slot for a parameter. */
  static String slotName(String parameter, Optimizer.Slot slot) {
    return slot.perElement() ? parameter + "_" + slot.name() : OPTIMIZER + slot.name();
  }

  boolean countsSteps() {
    return nap != null && nap.every() > 1;
  }

  /** What the companion learns in a model with these adapted sites. */
  LearntParameters learnt(OnnxModel source, List<NormalizationSite> adapted) {
    String logits = Logits.of(source, companion.output()).tensor();
    return LearntParameters.of(companion.parameters(), source, logits, adapted);
  }

  /** The names of the states that the companion's steps change: all but the statistics'. */
  List<String> learntStates(StateLayout layout, OnnxModel source, List<NormalizationSite> adapted) {
    Set<String> statistics = new HashSet<>();
    base.stateKinds().forEach(kind -> statistics.add(kind.name()));
    base.sharedStates(source, adapted).forEach(state -> statistics.add(state.name()));
    return layout.tensors().stream()
        .map(StateTensor::name)
        .filter(name -> !statistics.contains(name))
        .toList();
  }

  private List<SharedState> learntOnce(OnnxModel source, List<NormalizationSite> adapted) {
    List<SharedState> states = new ArrayList<>();
    learnt(source, adapted).weights().ifPresent(weights -> declare(weights, source, states));
    for (Optimizer.Slot slot : companion.optimizer().slots()) {
      if (!slot.perElement()) {
        states.add(
            new SharedState(
                slotName(LearntParameters.GAMMA, slot), Tensor.of(new float[] {slot.start()}, 1)));
      }
    }
    if (countsSteps()) {
      states.add(new SharedState(STEPS, Tensor.of(new float[1], 1)));
    }
    int classes = Logits.of(source, companion.output()).classes();
    states.addAll(companion.objective().states(classes));
    return states;
  }

  /** Weights, then what the optimizer keeps of each. */
  private void declare(PackedParameters weights, OnnxModel source, List<SharedState> states) {
    String name = weights.state().name();
    states.add(new SharedState(name, weights.start(source)));
    for (Optimizer.Slot slot : companion.optimizer().slots()) {
      if (slot.perElement()) {
        Tensor start = Tensor.allocate(ElementType.FP32, weights.state().sizes());
        FloatBuffer values = start.floats();
        while (values.hasRemaining()) {
          values.put(slot.start());
        }
        states.add(new SharedState(slotName(name, slot), start));
      }
    }
  }

  @Override
  public List<SharedState> sharedStates(OnnxModel source, List<NormalizationSite> adapted) {
    return Stream.concat(
            base.sharedStates(source, adapted).stream(), learntOnce(source, adapted).stream())
        .toList();
  }

  @Override
  public boolean readsTasks() {
    return base.readsTasks();
  }

  @Override
  public boolean needsCalibration() {
    return base.needsCalibration();
  }

  @Override
  public int calibrationComponents() {
    return base.calibrationComponents();
  }

  @Override
  public float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    List<float[]> values =
        new ArrayList<>(Arrays.asList(base.initialState(site, random, calibration)));
    values.add(site.gamma());
    values.add(site.beta());
    for (int i = 0; i < 2; i++) {
      for (Optimizer.Slot slot : companion.optimizer().slots()) {
        if (slot.perElement()) {
          float[] start = new float[site.channels()];
          Arrays.fill(start, slot.start());
          values.add(start);
        }
      }
    }
    return values.toArray(float[][]::new);
  }

  @Override
  public void rewrite(SiteGraph graph) {
    int first = base.stateKinds().size();
    graph.scaleAndOffset(graph.state(first), graph.state(first + 1));
    base.rewrite(graph);
  }
}
