package dev.acclimate.simulate.training;

import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.data.ChannelStatistics;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Layout;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.training.SmallResNet.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Trains the models that the project ships: small ResNets on its own data, with the backward pass
 * as an ONNX graph. The same settings give the same file on the same machine; another kind of
 * processor rounds otherwise and ends within a point of the accuracy.
 */
public final class BuiltinModelTraining {
  private BuiltinModelTraining() {}

  /** Which model. */
  public enum Kind {
    /** The classifier of {@link dev.acclimate.simulate.data.BuiltinImages}. */
    IMAGES {
      @Override
      public Settings settings() {
        return new Settings(10, 20_000, 5_000, 64, 1, 0.1, 0.9, 5e-4, 0, 0);
      }

      @Override
      Architecture architecture() {
        return Architecture.IMAGES;
      }

      @Override
      DataSpec data(int samples) {
        return new DataSpec.Builtin(samples);
      }

      @Override
      Trainer.Change augmentation(ImageShape shape) {
        return new Augmentation(shape);
      }
    },

    /** The classifier of {@link dev.acclimate.simulate.data.BuiltinSeries}. */
    SERIES {
      @Override
      public Settings settings() {
        return new Settings(10, 20_000, 5_000, 64, 1, 0.1, 0.9, 5e-4, 0, 0);
      }

      @Override
      Architecture architecture() {
        return Architecture.SERIES;
      }

      @Override
      DataSpec data(int samples) {
        return new DataSpec.Series(samples);
      }

      @Override
      Trainer.Change augmentation(ImageShape shape) {
        return Trainer.Change.NONE; // there are as many windows as one cares to make
      }
    };

    /** What the shipped model was trained with. */
    public abstract Settings settings();

    abstract Architecture architecture();

    abstract DataSpec data(int samples);

    abstract Trainer.Change augmentation(ImageShape shape);
  }

  /**
   * What to train.
   *
   * @param epochs passes over the images
   * @param images how many samples to train on
   * @param testImages how many to judge by
   * @param batchSize samples a step
   * @param blocks residual blocks per stage
   * @param learningRate the highest, reached after one epoch; it falls to 0 along a cosine
   * @param momentum Nesterov's
   * @param weightDecay added to the gradients of weights, as a share of the weight
   * @param labelSmoothing share of the target that goes to all classes
   * @param seed of weights, order and augmentation
   */
  public record Settings(
      int epochs,
      int images,
      int testImages,
      int batchSize,
      int blocks,
      double learningRate,
      double momentum,
      double weightDecay,
      double labelSmoothing,
      long seed) {

    /**
     * @throws InvalidInputException when a number is out of its range
     */
    public Settings {
      require(epochs > 0, "epochs", "at least 1", epochs);
      require(batchSize > 1, "batch size", "at least 2", batchSize);
      require(images >= batchSize, "images", "at least one batch of " + batchSize, images);
      require(testImages > 0, "test images", "at least 1", testImages);
      require(blocks > 0, "blocks", "at least 1", blocks);
      require(learningRate > 0, "learning rate", "above 0", learningRate);
      require(momentum >= 0 && momentum < 1, "momentum", "0 to 1", momentum);
      require(weightDecay >= 0, "weight decay", "0 or more", weightDecay);
      require(
          labelSmoothing >= 0 && labelSmoothing < 1, "label smoothing", "0 to 1", labelSmoothing);
    }

    private static void require(boolean holds, String what, String expected, Number found) {
      if (!holds) {
        throw new InvalidInputException(what + ": expected " + expected + ", found " + found);
      }
    }

    /** The same for another number of epochs. */
    public Settings withEpochs(int newEpochs) {
      return new Settings(
          newEpochs,
          images,
          testImages,
          batchSize,
          blocks,
          learningRate,
          momentum,
          weightDecay,
          labelSmoothing,
          seed);
    }

    /** The same with another seed. */
    public Settings withSeed(long newSeed) {
      return new Settings(
          epochs,
          images,
          testImages,
          batchSize,
          blocks,
          learningRate,
          momentum,
          weightDecay,
          labelSmoothing,
          newSeed);
    }

    /** The same on another number of images. */
    public Settings withImages(int newImages) {
      return new Settings(
          epochs,
          newImages,
          testImages,
          batchSize,
          blocks,
          learningRate,
          momentum,
          weightDecay,
          labelSmoothing,
          seed);
    }
  }

  /**
   * One epoch's outcome.
   *
   * @param number from 1
   * @param of epochs in all
   * @param loss mean over the epoch's steps
   * @param seconds since training began
   */
  public record Epoch(int number, int of, double loss, double seconds) {
    /** A line for people. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "epoch %d/%d: loss %.3f, %.0f s", number, of, loss, seconds);
    }
  }

  /**
   * A trained model.
   *
   * @param accuracy on clean test images, as a fraction
   * @param seconds that training took
   */
  public record Result(
      OnnxModel model, Preprocessing preprocessing, double accuracy, double seconds) {

    /**
     * Writes the model and, beside it, its preprocessing.
     *
     * @throws InvalidInputException when a file cannot be written
     */
    public void write(Path file) {
      model.write(file);
      Path beside = Preprocessing.besides(file);
      try {
        Files.writeString(
            beside,
            "mean: %s\nstd: %s\nlayout: %s\nclasses: %s\n"
                .formatted(
                    preprocessing.mean(),
                    preprocessing.std(),
                    preprocessing.layout(),
                    preprocessing.classes()));
      } catch (IOException e) {
        throw InvalidInputException.unwritable(beside, e);
      }
    }
  }

  /**
   * Generates the samples, trains, and tests.
   *
   * @param progress told after every epoch
   * @throws IllegalStateException when a step is not finite
   */
  public static Result run(Kind kind, Settings settings, Consumer<Epoch> progress) {
    ImageSet images = kind.data(settings.images()).load(Split.TRAIN);
    ImageSet test = kind.data(settings.testImages()).load(Split.TEST);
    Preprocessing preprocessing = preprocessing(images);
    long start = System.nanoTime();
    OnnxModel untrained =
        SmallResNet.create(
            kind.architecture(), settings.blocks(), images.classes().size(), settings.seed());
    OnnxModel model;
    Trainer.Change augmentation = kind.augmentation(images.shape());
    try (Trainer trainer = new Trainer(untrained, images, preprocessing, augmentation, settings)) {
      for (int epoch = 1; epoch <= settings.epochs(); epoch++) {
        double loss = trainer.epoch(epoch);
        progress.accept(new Epoch(epoch, settings.epochs(), loss, since(start)));
      }
      trainer.settleStatistics();
      model = trainer.trained();
    }
    double seconds = since(start);
    double accuracy = Accuracy.of(model, preprocessing, test, 1);
    GraphEditor editor = new GraphEditor(model);
    editor.setMetadata("acclimate.training", settings + ", accuracy " + accuracy);
    return new Result(editor.build(), preprocessing, accuracy, seconds);
  }

  private static double since(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  /** The samples' own mean and standard deviation per channel, to four digits. */
  private static Preprocessing preprocessing(ImageSet images) {
    ChannelStatistics statistics = images.statistics();
    return new Preprocessing(
        Preprocessing.DEFAULT_SCALE,
        rounded(statistics.means()),
        rounded(statistics.deviations()),
        Layout.NCHW,
        images.classes());
  }

  private static List<Double> rounded(List<Double> values) {
    return values.stream().map(value -> Math.round(value * 1e4) / 1e4).toList();
  }
}
