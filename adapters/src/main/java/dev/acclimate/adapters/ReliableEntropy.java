package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * ETA: entropy of samples that are reliable (entropy below {@code margin * ln K}) and not redundant
 * (the cosine of their prediction with a moving average of earlier ones below a bound), each
 * weighing {@code exp(margin * ln K - entropy)}. Niu et al., ICML 2022, "Efficient Test-Time Model
 * Adaptation without Forgetting", without its pull towards the source.
 *
 * @param margin in units of {@code ln K}
 * @param similarity the bound on cosines, 0 for the published one
 */
record ReliableEntropy(double margin, double similarity) implements Objective {
  private static final String AVERAGE = "probability_average";
  private static final float NEWEST = 0.1f;
  private static final float LEAST = 1e-8f;

  /** As published for CIFAR-10 and for ImageNet; a uniform average is closer where K is small. */
  private static final double SIMILARITY_OF_FEW_CLASSES = 0.4;

  private static final double SIMILARITY_OF_MANY_CLASSES = 0.05;
  private static final int FEW_CLASSES = 100;

  static ReliableEntropy read(OptionReader options) {
    return new ReliableEntropy(
        options.number("margin", 0.4, 0, true, 1), options.number("similarity", 0, 0, false, 1));
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("margin", Double.toString(margin));
    options.put("similarity", Double.toString(similarity));
    return options;
  }

  @Override
  public List<SharedState> states(int classes) {
    return List.of(new SharedState(AVERAGE, Tensor.of(new float[classes], classes)));
  }

  private double bound(int classes) {
    if (similarity > 0) {
      return similarity;
    }
    return classes <= FEW_CLASSES ? SIMILARITY_OF_FEW_CLASSES : SIMILARITY_OF_MANY_CLASSES;
  }

  @Override
  public Loss write(OperatorWriter ops, Logits logits, Map<String, String> states) {
    Logits.Predictions predictions = logits.predictions(ops);
    String average = Objects.requireNonNull(states.get(AVERAGE)); // 0 before there is any
    String entropy = predictions.entropy();
    String largest = ops.constant((float) (margin * logits.largestEntropy()));
    String similar = cosine(ops, predictions.probabilities(), average);
    String fresh = ops.node("Less", similar, ops.constant((float) bound(logits.classes())));
    String chosen = ops.castToFloat(ops.node("And", ops.node("Less", entropy, largest), fresh));
    String count = ops.reduceSum(chosen, false, 0);
    String some = ops.max(count, ops.constant(1f));
    String weight = ops.mul(chosen, ops.node("Exp", ops.sub(largest, entropy)));
    String loss = ops.div(ops.reduceSum(ops.mul(weight, entropy), false, 0), some);
    String any = ops.node("Greater", count, ops.constant(0f));
    String mean =
        ops.div(
            ops.reduceSum(ops.mul(predictions.probabilities(), ops.unsqueeze(chosen, 1)), false, 0),
            some);
    return new Loss(
        loss, any, chosen, Set.of(weight), Map.of(AVERAGE, nextAverage(ops, average, mean, any)));
  }

  /** {@code [B]}, 0 where there is no average yet. */
  private static String cosine(OperatorWriter ops, String probabilities, String average) {
    String products = ops.reduceSum(ops.mul(probabilities, average), false, 1);
    String lengths =
        ops.mul(ops.reduceL2(probabilities, false, 1), ops.reduceL2(average, false, 0));
    return ops.div(products, ops.max(lengths, ops.constant(LEAST)));
  }

  private static String nextAverage(OperatorWriter ops, String average, String mean, String any) {
    String isFirst = ops.node("Equal", ops.reduceSum(average, false, 0), ops.constant(0f));
    String share = ops.node("Where", isFirst, ops.constant(1f), ops.constant(NEWEST));
    String moved = ops.add(average, ops.mul(share, ops.sub(mean, average)));
    return ops.node("Where", any, moved, average);
  }
}
