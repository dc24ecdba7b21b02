package dev.acclimate.simulate.corruptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

/**
 * Every corruption changes images by as much as the published scripts do.
 *
 * <p>The table was measured with those scripts ({@code make_cifar_c.py}, {@code
 * make_imagenet_c.py}) on OpenCV 5.0, scikit-image 0.26, SciPy 1.17 and Pillow 12.3, their own
 * photographs of frost included, over the first builtin images: mean and standard deviation of the
 * change of a value, and by how much either varies from one run over the set to another where
 * chance plays a part. For ImageMagick's motion blur stood a transcript of its definition. The four
 * published beside the benchmark were measured with a transcript of their recipes on the same
 * OpenCV and scikit-image.
 */
class PublishedChangeTest {

  /**
   * Less than a fifth of a step. Where a result is a whole number of steps, the scripts' rounding
   * falls short of it now and then, and truncation makes that one step less: most in saturate.
   */
  private static final double ROUNDING = 0.0007;

  /** How many runs over the set, since chance weighs the less the more there are. */
  private static final int RUNS = 4;

  @ParameterizedTest(name = "{1} {2}, {0} pixels wide")
  @CsvFileSource(resources = "/published-change.csv", numLinesToSkip = 1)
  void changesAsMuchAsPublished(
      int side,
      String id,
      int severity,
      double mean,
      double deviation,
      double meanVaries,
      double deviationVaries) {
    ImageShape shape = new ImageShape(3, side, side);
    float[][] clean = images(shape, side > 32 ? 6 : 60);
    int runs = meanVaries > 0 ? RUNS : 1;
    double[] found = change(Corruption.parseList(id).get(0), severity, shape, clean, runs);

    double chance = 4 / Math.sqrt(runs);
    assertThat(found[0]).as("mean").isCloseTo(mean, within(ROUNDING + chance * meanVaries));
    assertThat(found[1])
        .as("deviation")
        .isCloseTo(deviation, within(0.01 * deviation + chance * deviationVaries));
  }

  /** Mean and standard deviation over all values. */
  private static double[] change(
      Corruption corruption, int severity, ImageShape shape, float[][] clean, int runs) {
    double mean = 0;
    double deviation = 0;
    int[] samples = new int[clean.length];
    Arrays.setAll(samples, i -> i);
    for (int run = 0; run < runs; run++) {
      float[][] images = Arrays.stream(clean).map(float[]::clone).toArray(float[][]::new);
      Corrupter.of(new Shift(corruption, severity), shape, run).corruptAll(samples, images);
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < images.length; i++) {
        for (int j = 0; j < images[i].length; j++) {
          double change = images[i][j] - clean[i][j];
          sum += change;
          squares += change * change;
        }
      }
      double count = (double) clean.length * shape.size();
      mean += sum / count / runs;
      deviation += Math.sqrt(squares / count - sum / count * (sum / count)) / runs;
    }
    return new double[] {mean, deviation};
  }

  /** Builtin images, each pixel repeated until they are as large as wanted. */
  private static float[][] images(ImageShape shape, int count) {
    ImageSet set = BuiltinImages.test(count, 0);
    int width = set.width();
    int scale = shape.width() / width;
    float[][] images = new float[count][shape.size()];
    float[] small = new float[set.shape().size()];
    for (int i = 0; i < count; i++) {
      set.read(i, small);
      for (int j = 0; j < shape.size(); j++) {
        int row = j / shape.width() / scale; // of all channels together
        images[i][j] = small[row * width + j % shape.width() / scale];
      }
    }
    return images;
  }
}
