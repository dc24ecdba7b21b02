package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.gradients.CrossEntropy;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Cross-entropy with labels, which come after the answers: in a graph of its own, whose input
 * {@link AdaptiveModel#LABELS_INPUT} they are.
 *
 * @param lessons when a step is due, and of what
 * @param smoothing share of the target that goes to all classes
 */
record LabelledCrossEntropy(Lessons lessons, double smoothing) implements Objective {

  static LabelledCrossEntropy read(OptionReader options) {
    return new LabelledCrossEntropy(
        Lessons.read(options), options.number("label-smoothing", 0, 0, false, 0.9999));
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("labels", Integer.toString(lessons.labels()));
    options.put("replay", Integer.toString(lessons.replay()));
    options.put("memory", Integer.toString(lessons.memory()));
    options.put("label-smoothing", Double.toString(smoothing));
    return options;
  }

  @Override
  public Loss write(OperatorWriter ops, Logits logits, Map<String, String> states) {
    String loss =
        CrossEntropy.write(
            ops, logits.tensor(), logits.classes(), AdaptiveModel.LABELS_INPUT, smoothing);
    return Objective.ofAll(loss, Map.of());
  }
}
