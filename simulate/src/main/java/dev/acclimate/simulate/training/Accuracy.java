package dev.acclimate.simulate.training;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.stream.LongStream;

/** How often a classifier's first output has its maximum at the label. */
public final class Accuracy {
  private static final int BATCH = 100;

  private Accuracy() {}

  /** Fraction of the images that a model is right about. */
  public static double of(
      OnnxModel model, Preprocessing preprocessing, ImageSet images, int threads) {
    int hits = 0;
    float[] chw = new float[images.shape().size()];
    String input = model.inputs().get(0).name();
    String output = model.outputs().get(0).name();
    try (ModelSession session =
            ModelSession.open(model, new SessionSettings(ExecutionProvider.CPU, threads));
        Tensor buffer = input(model, BATCH)) {
      for (int start = 0; start < images.size(); start += BATCH) {
        int count = Math.min(BATCH, images.size() - start);
        FloatBuffer values = buffer.floats();
        int[] labels = new int[count];
        for (int i = 0; i < count; i++) {
          images.read(start + i, chw);
          preprocessing.write(chw, images.shape(), values, i * chw.length);
          labels[i] = images.label(start + i);
        }
        try (Tensor batch = buffer.first(count)) {
          Tensor logits = session.run(Map.of(input, batch)).get(output);
          hits += hits(logits == null ? Tensor.allocate(ElementType.FP32, 0, 0) : logits, labels);
        }
      }
    }
    return hits / (double) images.size();
  }

  /** Room for a batch, as the model's first input takes it. */
  public static Tensor input(OnnxModel model, int count) {
    LongStream sample =
        model.inputs().get(0).dimensions().stream().skip(1).mapToLong(Dimension::size);
    return Tensor.allocate(
        ElementType.FP32, LongStream.concat(LongStream.of(count), sample).toArray());
  }

  /** Rows of {@code [B, classes]} whose largest value stands at the label. */
  public static int hits(Tensor logits, int[] labels) {
    FloatBuffer values = logits.floats();
    int classes = Math.toIntExact(logits.size(1));
    int hits = 0;
    for (int row = 0; row < labels.length; row++) {
      int best = 0;
      for (int c = 1; c < classes; c++) {
        if (values.get(row * classes + c) > values.get(row * classes + best)) {
          best = c;
        }
      }
      hits += best == labels[row] ? 1 : 0;
    }
    return hits;
  }
}
