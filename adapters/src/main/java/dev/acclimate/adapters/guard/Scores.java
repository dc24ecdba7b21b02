package dev.acclimate.adapters.guard;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * The class probabilities of a batch. Scores are taken as logits, unless a sample's lie in [0, 1]
 * and add up to 1: then they are probabilities already.
 */
public final class Scores {
  private static final float PROBABILITY_SLACK = 1e-3f;

  private final float[][] probabilities;
  private final int[] classes;

  private Scores(float[][] probabilities, int[] classes) {
    this.probabilities = probabilities;
    this.classes = classes;
  }

  /**
   * The output that holds a model's scores: the first FP32 {@code [batch, classes]}.
   *
   * @throws InvalidInputException when there is none
   */
  public static String output(List<TensorInfo> outputs) {
    return outputs.stream()
        .filter(Scores::holds)
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "guard.policy: expected off for a model without class scores, which are an FP32"
                        + " output [batch, classes] of two classes or more; found "
                        + outputs))
        .name();
  }

  /** Whether {@link #output} finds one. */
  public static boolean areIn(List<TensorInfo> outputs) {
    return outputs.stream().anyMatch(Scores::holds);
  }

  private static boolean holds(TensorInfo output) {
    if (output.type() != ElementType.FP32 || output.rank() != 2) {
      return false;
    }
    Dimension classes = output.dimensions().get(1);
    return !classes.isFixed() || classes.size() > 1;
  }

  /** Reads {@code [B, classes]}. */
  public static Scores of(Tensor scores) {
    FloatBuffer values = scores.floats();
    int width = (int) scores.size(1);
    float[][] rows = new float[(int) scores.size(0)][width];
    int[] classes = new int[rows.length];
    for (int b = 0; b < rows.length; b++) {
      values.get(b * width, rows[b]);
      classes[b] = toProbabilities(rows[b]);
    }
    return new Scores(rows, classes);
  }

  /** The classes that {@code [B, classes]} scores answer. */
  public static int[] answers(Tensor scores) {
    FloatBuffer values = scores.floats();
    int width = (int) scores.size(1);
    int[] classes = new int[(int) scores.size(0)];
    for (int b = 0; b < classes.length; b++) {
      int row = b * width;
      for (int c = 1; c < width; c++) {
        classes[b] = values.get(row + c) > values.get(row + classes[b]) ? c : classes[b];
      }
    }
    return classes;
  }

  /** Puts probabilities in the place of scores; returns the first of the highest. */
  private static int toProbabilities(float... scores) {
    int best = 0;
    float sum = 0;
    boolean unit = true;
    for (int c = 0; c < scores.length; c++) {
      best = scores[c] > scores[best] ? c : best;
      sum += scores[c];
      unit &= scores[c] >= 0 && scores[c] <= 1;
    }
    if (!unit || Math.abs(sum - 1) > PROBABILITY_SLACK) {
      softmax(scores, scores[best]);
    }
    return best;
  }

  private static void softmax(float[] scores, float highest) {
    double sum = 0;
    for (int c = 0; c < scores.length; c++) {
      scores[c] = (float) Math.exp(scores[c] - highest);
      sum += scores[c];
    }
    for (int c = 0; c < scores.length; c++) {
      scores[c] /= (float) sum;
    }
  }

  /** Samples. */
  public int size() {
    return classes.length;
  }

  /** The class answered to a sample. */
  public int answer(int sample) {
    return classes[sample];
  }

  /** A class's probability. */
  public float probability(int sample, int label) {
    return probabilities[sample][label];
  }

  /** The probability of the answer, in (0, 1]. */
  public float confidence(int sample) {
    return probabilities[sample][classes[sample]];
  }

  /** The entropy of a prediction, in nats. */
  public float entropy(int sample) {
    double entropy = 0;
    for (float p : probabilities[sample]) {
      entropy -= p > 0 ? p * Math.log(p) : 0;
    }
    return (float) entropy;
  }

  /** How many classes there are. */
  int width() {
    return probabilities.length == 0 ? 0 : probabilities[0].length;
  }
}
