package dev.acclimate.simulate.builtin;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.Preprocessing;

/**
 * The classifier of {@link BuiltinImages} that comes with the project: a ResNet-8 (16, 32 and 64
 * channels; nine BatchNormalization nodes), {@code input} {@code [batch, 3, 32, 32]} to {@code
 * logits} {@code [batch, 10]}.
 *
 * <p>Trained by {@link dev.acclimate.simulate.training.BuiltinModelTraining} with its default
 * settings: 20,000 images of seed 0, 10 epochs of batches of 64, Nesterov SGD with a peak learning
 * rate of 0.1, seed 0. That took 10 minutes on one core of a busy machine, and a second time gave
 * the same file. 95.8 % of the first 5,000 test images are classified rightly; under corruptions of
 * severity 5, error rates (first 2,000 images, in parentheses with the statistics of each batch of
 * 200 in place of its own) are: gaussian_noise 37 % (20 %), shot_noise 32 % (19 %), impulse_noise
 * 56 % (30 %), fog 25 % (21 %), contrast 50 % (8 %), defocus_blur 10 % (7 %), pixelate 10 % (8 %),
 * brightness 8 % (9 %).
 */
public final class BuiltinModel {
  private static final ShippedModel SHIPPED = new ShippedModel("builtin");

  private BuiltinModel() {}

  /** The model. */
  public static OnnxModel load() {
    return SHIPPED.load();
  }

  /** How images become its inputs, and its class names. */
  public static Preprocessing preprocessing() {
    return SHIPPED.preprocessing(BuiltinImages.SHAPE.channels());
  }
}
