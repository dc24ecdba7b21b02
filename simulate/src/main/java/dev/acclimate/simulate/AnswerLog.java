package dev.acclimate.simulate;

import dev.acclimate.adapters.guard.Scores;
import dev.acclimate.models.Tensor;

/**
 * What one method answered to a stream, position by position: the class with the highest score, how
 * sure it was of it, and the entropy of its prediction. Scores are read as {@link Scores} says.
 */
public final class AnswerLog {
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
    Scores batch = Scores.of(scores);
    for (int b = 0; b < batch.size(); b++) {
      answers[size] = batch.answer(b);
      confidences[size] = batch.confidence(b);
      entropies[size] = batch.entropy(b);
      size++;
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
