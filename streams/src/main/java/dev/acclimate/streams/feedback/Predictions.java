package dev.acclimate.streams.feedback;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/**
 * Reads classes off a model's scores: the first FP32 output of shape {@code [batch, classes]},
 * where the highest score of a sample is its class.
 */
public final class Predictions {
  /** The class of a sample whose scores are all NaN; equal to no label. */
  public static final int NO_CLASS = -1;

  private final String output;
  private final int classes;

  private Predictions(String output, int classes) {
    this.output = output;
    this.classes = classes;
  }

  /**
   * Finds the scores among a model's outputs.
   *
   * @throws InvalidInputException when there are none
   */
  public static Predictions of(List<TensorInfo> outputs) {
    for (TensorInfo output : outputs) {
      if (output.type() == ElementType.FP32 && output.rank() == 2) {
        Dimension classes = output.dimensions().get(1);
        if (!classes.isFixed() || classes.size() > 1) {
          return new Predictions(
              output.name(),
              classes.isFixed() ? Math.toIntExact(classes.size()) : Integer.MAX_VALUE);
        }
      }
    }
    throw new InvalidInputException(
        "feedback: expected a model with class scores, an FP32 output [batch, classes] of two"
            + " classes or more, to compare labels with; found "
            + outputs);
  }

  /** How many classes there are; {@link Integer#MAX_VALUE} where the model does not declare it. */
  public int classes() {
    return classes;
  }

  /** The classes of all samples of a batch. */
  public int[] classes(Map<String, Tensor> outputs) {
    return classes(outputs, 0, Math.toIntExact(scores(outputs).size(0)));
  }

  /**
   * The classes of {@code count} samples of a batch; of equal scores the first counts.
   *
   * @param outputs the model's outputs by name
   * @param first the first of the samples within the batch
   */
  public int[] classes(Map<String, Tensor> outputs, int first, int count) {
    Tensor scores = scores(outputs);
    int width = Math.toIntExact(scores.size(1));
    FloatBuffer values = scores.floats();
    int[] found = new int[count];
    for (int sample = 0; sample < count; sample++) {
      found[sample] = highest(values, (first + sample) * width, width);
    }
    return found;
  }

  private Tensor scores(Map<String, Tensor> outputs) {
    Tensor scores = outputs.get(output);
    if (scores == null) {
      throw new IllegalArgumentException("no output '" + output + "' among " + outputs.keySet());
    }
    return scores;
  }

  private static int highest(FloatBuffer values, int start, int width) {
    int best = NO_CLASS;
    float highest = Float.NaN;
    for (int i = 0; i < width; i++) {
      float value = values.get(start + i);
      // false for what is NaN, so the first value that is not starts it
      if (best == NO_CLASS ? !Float.isNaN(value) : value > highest) {
        highest = value;
        best = i;
      }
    }
    return best;
  }
}
