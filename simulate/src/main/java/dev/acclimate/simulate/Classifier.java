package dev.acclimate.simulate;

import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.serving.BatchShare;
import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Layout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** How samples go into a model and classes come out: one float32 input, scores first. */
public final class Classifier {
  private final TensorInfo input;
  private final String output;
  private final long[] sample;

  private Classifier(TensorInfo input, String output, long[] sample) {
    this.input = input;
    this.output = output;
    this.sample = sample;
  }

  /**
   * Finds a model's input and its scores.
   *
   * @throws InvalidInputException when the model is no classifier of images or series, or takes
   *     another shape or batch size
   */
  public static Classifier of(
      String model,
      List<TensorInfo> inputs,
      List<TensorInfo> outputs,
      ImageSet images,
      Layout layout,
      int batchSize) {
    if (inputs.size() != 1 || inputs.get(0).type() != ElementType.FP32) {
      throw new InvalidInputException(model + ": expected a single FP32 input, found " + inputs);
    }
    TensorInfo input = inputs.get(0);
    long[] sample = sample(images.shape(), layout, input.rank() == 3);
    long[] shape = batch(batchSize, sample);
    if (!input.accepts(shape)) {
      Dimension batch = input.rank() > 0 ? input.dimensions().get(0) : Dimension.fixed(1);
      throw new InvalidInputException(
          "%s: input '%s' takes %s, the data gives %s%s"
              .formatted(
                  model,
                  input.name(),
                  input.shapeText(),
                  Arrays.toString(shape),
                  batch.isFixed() && batch.size() != batchSize
                      ? "; set --batch-size " + batch.size()
                      : ""));
    }
    TensorInfo output = outputs.get(0);
    if (output.type() != ElementType.FP32 || output.rank() != 2) {
      throw new InvalidInputException(
          model + ": expected FP32 scores [batch, classes] as first output, found " + output);
    }
    Dimension classes = output.dimensions().get(1);
    int highest = Arrays.stream(images.labels()).max().orElse(0);
    if (classes.isFixed() && highest >= classes.size()) {
      throw new InvalidInputException(
          "%s: output '%s' has %d classes, the data has label %d"
              .formatted(model, output.name(), classes.size(), highest));
    }
    return new Classifier(input, output.name(), sample);
  }

  /**
   * A sample's axes: {@code [C, H, W]}, or with the channels last; of a series {@code [C, L]} where
   * the model has no axis for its single row.
   */
  private static long[] sample(ImageShape shape, Layout layout, boolean oneAxis) {
    LongStream places =
        oneAxis && shape.height() == 1
            ? LongStream.of(shape.width())
            : LongStream.of(shape.height(), shape.width());
    LongStream channels = LongStream.of(shape.channels());
    return (layout == Layout.NCHW
            ? LongStream.concat(channels, places)
            : LongStream.concat(places, channels))
        .toArray();
  }

  private static long[] batch(int batchSize, long[] sample) {
    return LongStream.concat(LongStream.of(batchSize), LongStream.of(sample)).toArray();
  }

  /**
   * The shape of a batch as the model takes it: {@code [B, C, H, W]}, of series {@code [B, C, L]},
   * or with the channels last.
   */
  public long[] shape(int batchSize) {
    return batch(batchSize, sample);
  }

  /** The input's name. */
  public String inputName() {
    return input.name();
  }

  /** True where the model takes batches of one size only. */
  boolean hasFixedBatch() {
    return input.dimensions().get(0).isFixed();
  }

  /**
   * Runs a batch.
   *
   * @param tasks int64 {@code [B]}, for methods that read them
   * @return the scores {@code [B, classes]}, valid until the model's next run
   */
  Tensor scores(InferenceModel model, Tensor batch, Tensor tasks) {
    List<BatchShare> all = List.of(BatchShare.unnamed((int) batch.size(0)));
    Tensor scores =
        model.run(Map.of(input.name(), batch, AdaptiveModel.TASK_INPUT, tasks), all).get(output);
    if (scores == null) {
      throw new IllegalStateException("no output " + output);
    }
    return scores;
  }
}
