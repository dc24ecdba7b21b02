package dev.acclimate.adapters;

import dev.acclimate.models.Dimension;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What the sites of a model have in common while it is rewritten, one after another in graph order.
 */
final class ModelGraph {
  private final Dimension samples;
  private final Map<String, String> results = new HashMap<>();
  private final Map<String, String> states = new LinkedHashMap<>();
  private final Map<String, List<String>> terms = new LinkedHashMap<>();
  private final Set<String> constants = new HashSet<>();
  private final Map<String, List<InstanceMoments>> measured = new HashMap<>();

  /**
   * Common ground for the sites of a model.
   *
   * @param samples the axis along which tasks belong to samples
   * @param shared the states that the model keeps once
   */
  ModelGraph(Dimension samples, List<StateTensor> shared) {
    this.samples = samples;
    shared.forEach(state -> states.put(state.name(), state.input()));
  }

  Dimension samples() {
    return samples;
  }

  /** A tensor that is the same for all who ask by this key; the first one writes it. */
  String shared(String key, Supplier<String> write) {
    String tensor = results.get(key);
    if (tensor == null) {
      tensor = write.get();
      results.put(key, tensor);
    }
    return tensor;
  }

  /**
   * The moments of a tensor around a centre that is near enough.
   *
   * @param mean where they are centred if they are not measured yet, {@code [C]}
   * @param deviation how far off is near, {@code [C]}
   * @param subtract writes the tensor less {@code mean}
   */
  InstanceMoments moments(
      String tensor, float[] mean, double[] deviation, Supplier<String> subtract) {
    List<InstanceMoments> known = measured.computeIfAbsent(tensor, name -> new ArrayList<>());
    return known.stream()
        .filter(moments -> moments.suits(mean, deviation))
        .findFirst()
        .orElseGet(
            () -> {
              InstanceMoments moments = new InstanceMoments(subtract.get(), mean);
              known.add(moments);
              return moments;
            });
  }

  /** A state that the model keeps once: before the batch until it is advanced. */
  String state(String name) {
    String tensor = states.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no state " + name + " among " + states.keySet());
    }
    return tensor;
  }

  /** Sets the value of a state after the batch; one that is never set stays as it is. */
  void advance(String name, String next) {
    states.put(name, next);
  }

  /** Adds a site's part {@code [1]} to an output that is neither the model's nor a state. */
  void addTerm(String output, String term) {
    terms.computeIfAbsent(output, name -> new ArrayList<>()).add(term);
  }

  /** Those parts, by output. */
  Map<String, List<String>> terms() {
    return terms;
  }

  /** Gradients of companions do not pass this tensor. */
  void holdConstant(String tensor) {
    constants.add(tensor);
  }

  /** Those tensors. */
  Set<String> constants() {
    return constants;
  }
}
