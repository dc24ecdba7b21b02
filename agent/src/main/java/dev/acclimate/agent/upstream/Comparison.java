package dev.acclimate.agent.upstream;

import dev.acclimate.adapters.guard.Scores;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.OutputSlice;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Our answer to a request against the server's.
 *
 * @param rows whose class scores both gave; 0 where the model gives none
 * @param differing of these, rows whose highest score is another class's
 * @param elements FP32 numbers that both gave
 * @param difference sum of the absolute differences of these
 */
record Comparison(int rows, int differing, long elements, double difference) {

  /**
   * Compares.
   *
   * @param outputs the model's, of which the first {@code [batch, classes]} holds scores
   */
  static Comparison of(
      List<TensorInfo> outputs, List<OutputSlice> ours, Map<String, Tensor> theirs) {
    String scores = Scores.areIn(outputs) ? Scores.output(outputs) : null;
    Comparison all = new Comparison(0, 0, 0, 0);
    for (OutputSlice own : ours) {
      Tensor other = theirs.get(own.name());
      if (other != null
          && own.type() == ElementType.FP32
          && Arrays.equals(own.shape(), other.shape())) {
        all = all.plus(own, other, scores);
      }
    }
    return all;
  }

  private Comparison plus(OutputSlice own, Tensor other, @Nullable String scores) {
    FloatBuffer ours = own.bytes().asFloatBuffer();
    FloatBuffer theirs = other.floats();
    double sum = difference;
    for (int i = 0; i < ours.limit(); i++) {
      sum += Math.abs((double) ours.get(i) - theirs.get(i));
    }
    int more = 0;
    int different = 0;
    if (own.name().equals(scores)) {
      int width = (int) other.size(1);
      more = (int) other.size(0);
      for (int row = 0; row < more; row++) {
        different +=
            highest(ours, row * width, width) != highest(theirs, row * width, width) ? 1 : 0;
      }
    }
    return new Comparison(rows + more, differing + different, elements + ours.limit(), sum);
  }

  private static int highest(FloatBuffer values, int from, int width) {
    int best = 0;
    for (int i = 1; i < width; i++) {
      best = values.get(from + i) > values.get(from + best) ? i : best;
    }
    return best;
  }

  /** Mean absolute difference; NaN where there is nothing to compare. */
  double meanDifference() {
    return elements == 0 ? Double.NaN : difference / elements;
  }
}
