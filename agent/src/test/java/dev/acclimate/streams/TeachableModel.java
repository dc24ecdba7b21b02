package dev.acclimate.streams;

import dev.acclimate.adapters.Lessons;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A folding model whose state also takes in what labels teach, each sample by its label. */
final class TeachableModel extends FoldingModel {
  static final Lessons LESSONS = new Lessons(4, 2, 8);

  /** A sample that this model refuses to learn from. */
  static final float UNTEACHABLE = 777;

  /**
   * Samples and labels of each step as {@code sample:label}, also of steps that came to nothing.
   */
  final List<List<String>> taught = new CopyOnWriteArrayList<>();

  TeachableModel() {
    this(values -> {});
  }

  TeachableModel(Consumer<float[]> beforeRun) {
    super(beforeRun);
  }

  @Override
  public Optional<Lessons> lessons() {
    return Optional.of(LESSONS);
  }

  @Override
  public int classes() {
    return 3;
  }

  @Override
  public boolean learn(Map<String, Tensor> inputs, Tensor labels, State from, State into) {
    Tensor x = Objects.requireNonNull(inputs.get("x"));
    FloatBuffer values = x.floats();
    List<String> step = new ArrayList<>();
    float sum = ((Fold) from).sum;
    ((Fold) into).sum = Float.NaN; // undefined when the step is not taken
    for (int i = 0; i < x.size(0); i++) {
      float value = values.get(2 * i);
      long label = labels.longs().get(i);
      if (value == UNTEACHABLE) {
        return false;
      }
      step.add((int) value + ":" + label);
      sum = sum / 2 + 1000 * (label + 1) + value;
    }
    taught.add(step);
    Fold next = (Fold) into;
    next.copyStep((Fold) from);
    next.sum = sum;
    return true;
  }
}
