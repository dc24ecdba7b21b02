package dev.acclimate.simulate;

import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;

/**
 * What one method answered to a stream, position by position: the class with the highest score, how
 * sure it was of it, and the entropy of its prediction.
 *
 * <p>Scores are taken as logits, unless a sample's lie in [0, 1] and add up to 1: then they are
 * probabilities already.
 */
public final class AnswerLog {
  private static final float PROBABILITY_SLACK = 1e-3f;

  private final int[] answers;
  private final float[] confidences;
  private final float[] entropies;
  private int size;

  /** A log with room for so many answers. */
  AnswerLog(int capacity) {
    answers = new int[capacity];
    confidences = new float[capacity];
    entropies = new float[capacity];
  }

  /** Appends the answers of a batch. */
  void add(Tensor scores) {
    FloatBuffer values = scores.floats();
    int classes = (int) scores.size(1);
    float[] row = new float[classes];
    for (int b = 0; b < scores.size(0); b++) {
      values.get(b * classes, row);
      add(row);
    }
  }

  private void add(float... scores) {
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
    double entropy = 0;
    for (float p : scores) {
      entropy -= p > 0 ? p * Math.log(p) : 0;
    }
    answers[size] = best;
    confidences[size] = scores[best];
    entropies[size] = (float) entropy;
    size++;
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

  /** Answers so far. */
  public int size() {
    return size;
  }

  /** The class answered at a position. */
  public int answer(int position) {
    return answers[position];
  }

  /** The probability that the method gave its answer, in (0, 1]. */
  public float confidence(int position) {
    return confidences[position];
  }

  /** The entropy of the prediction, in nats. */
  public float entropy(int position) {
    return entropies[position];
  }
}
