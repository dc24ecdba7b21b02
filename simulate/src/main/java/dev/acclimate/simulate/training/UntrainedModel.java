package dev.acclimate.simulate.training;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import dev.acclimate.simulate.training.SmallResNet.Architecture;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Networks that have learnt nothing yet, for whatever images come. */
public enum UntrainedModel {
  /** ResNet-8: one block a stage. */
  RESNET_SMALL {
    @Override
    public OnnxModel create(ImageShape shape, int classes, long seed) {
      return resNet(shape, 1, classes, seed);
    }
  },

  /** ResNet-20, as He et al. 2016 have it for CIFAR-10. */
  RESNET_20 {
    @Override
    public OnnxModel create(ImageShape shape, int classes, long seed) {
      return resNet(shape, 3, classes, seed);
    }
  },

  /** Two hidden layers of 100 units, each with BatchNormalization and Relu. */
  MLP {
    @Override
    public OnnxModel create(ImageShape shape, int classes, long seed) {
      SeededRandom random = SeededRandom.of(seed, "weights".hashCode());
      long[] sample = {shape.channels(), shape.height(), shape.width()};
      NetworkLayers layers = new NetworkLayers("mlp", random, sample, classes);
      String x = layers.node("Flatten", "flatten", List.of(NetworkLayers.INPUT));
      int width = shape.size();
      for (int layer = 1; layer <= HIDDEN_LAYERS; layer++) {
        x = layers.linear("fc" + layer, x, width, UNITS);
        x = layers.relu("relu" + layer, layers.normalization("bn" + layer, x, UNITS));
        width = UNITS;
      }
      layers.logits(x, width, classes);
      return layers.build();
    }
  };

  private static final int HIDDEN_LAYERS = 2;
  private static final int UNITS = 100;

  /**
   * A network with weights drawn from a seed.
   *
   * @throws InvalidInputException when it cannot be made for such images
   */
  public abstract OnnxModel create(ImageShape shape, int classes, long seed);

  private static OnnxModel resNet(ImageShape shape, int blocks, int classes, long seed) {
    Architecture architecture =
        new Architecture(
            shape.channels(),
            List.of(shape.height(), shape.width()),
            Architecture.IMAGES.widths(),
            Architecture.IMAGES.kernel());
    return SmallResNet.create(architecture, blocks, classes, seed);
  }

  /** The network of a name such as {@code resnet-small}; empty where there is none. */
  public static Optional<UntrainedModel> named(String name) {
    return Arrays.stream(values()).filter(model -> model.toString().equals(name)).findFirst();
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
