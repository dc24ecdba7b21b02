package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;

/**
 * Cross-entropy of logits {@code [B, classes]} with class indices {@code [B]}, averaged over the
 * batch. Label smoothing (Szegedy et al. 2016) moves that share of the target evenly to all
 * classes.
 */
public final class CrossEntropy {
  private CrossEntropy() {}

  /**
   * Appends the loss to the graph.
   *
   * @param logits a tensor of the model that {@code editor} was opened on
   * @param labels int64 class indices
   * @return name of the loss, a scalar
   */
  public static String append(
      GraphEditor editor, String logits, String labels, double labelSmoothing) {
    OperatorWriter write = editor.writer("loss/");
    String loss = write(write, logits, classes(editor, logits), labels, labelSmoothing);
    editor.append(write.nodes());
    return loss;
  }

  /**
   * Writes the loss.
   *
   * @param logits {@code [B, classes]}
   * @param labels int64 class indices
   * @return name of the loss, a scalar
   */
  public static String write(
      OperatorWriter write, String logits, long classes, String labels, double labelSmoothing) {
    float rest = (float) (labelSmoothing / classes);
    float hit = (float) (1 - labelSmoothing + labelSmoothing / classes);
    String target =
        write.node(
            "OneHot",
            labels,
            write.constant(new long[] {classes}),
            write.constant(new float[] {rest, hit}, 2));
    String logProbabilities =
        write.emit("LogSoftmax", List.of(logits), OperatorWriter.integer("axis", 1));
    String likelihood = write.reduceSum(write.mul(logProbabilities, target), false, 1);
    return write.node("Neg", write.reduceMean(likelihood, false, 0));
  }

  private static long classes(GraphEditor editor, String logits) {
    Map<String, TensorInfo> shapes = editor.model().infer(List.of(logits));
    TensorInfo shape = shapes.get(logits);
    if (shape == null || shape.rank() != 2) {
      throw new InvalidInputException(
          editor.model().name() + ": expected logits [B, classes], found " + shape);
    }
    Dimension classes = shape.dimensions().get(1);
    if (!classes.isFixed()) {
      throw new InvalidInputException(
          editor.model().name() + ": number of classes unknown: " + shape);
    }
    return classes.size();
  }
}
