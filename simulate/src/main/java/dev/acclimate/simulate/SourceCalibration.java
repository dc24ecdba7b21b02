package dev.acclimate.simulate;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Calibrator;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Measures a model on images of its own domain. */
public final class SourceCalibration implements AutoCloseable {
  /** Enough for the mean and variance of some tens of groups. */
  public static final int DEFAULT_SAMPLES = 2000;

  private final Calibrator calibrator;

  private SourceCalibration(Calibrator calibrator) {
    this.calibrator = calibrator;
  }

  /**
   * Runs source images, drawn at random and unchanged, through the model.
   *
   * @param images of the source domain, best not those that the model is judged on
   * @param samples at most how many
   * @param seed of the draw
   * @throws InvalidInputException when the model does not take these images or has no site to
   *     measure
   */
  public static SourceCalibration measure(
      OnnxModel model,
      ImageSet images,
      Preprocessing preprocessing,
      int samples,
      long seed,
      SessionSettings settings,
      SimulationProgress progress) {
    int total = Math.min(samples, images.size());
    Segment drawn =
        Segment.of(
            new Domain("calibration", 0, true, images),
            false,
            Arrays.copyOf(SampleOrder.of(Order.IID).arrange(images.labels(), seed, seed), total),
            preprocessing.on(images));
    Calibrator calibrator = Calibrator.open(model, settings);
    try {
      ModelFeed.feed(
          model,
          drawn,
          preprocessing.layout(),
          (inputs, from, count) -> {
            calibrator.add(inputs, IntStream.range(from, from + count).map(drawn::label).toArray());
            progress.update("calibrating", from + count, total);
          });
      return new SourceCalibration(calibrator);
    } catch (RuntimeException e) {
      calibrator.close();
      throw e;
    }
  }

  /** Clusters what was measured into so many components, see {@link Calibrator#cluster}. */
  public Calibration cluster(int components, long seed) {
    return calibrator.cluster(components, seed);
  }

  @Override
  public void close() {
    calibrator.close();
  }
}
