package dev.acclimate.tests;

import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Family;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Images that are corrupted in a second, at severity 5, over all cores. Not part of the build,
 * whose tests end in {@code Test}:
 *
 * <pre>{@code
 * mvn -q verify -pl tests -am -Dtest=CorruptionBenchmark -Dsurefire.failIfNoSpecifiedTests=false
 * }</pre>
 */
@State(Scope.Benchmark)
public class CorruptionBenchmark {
  private static final int SEVERITY = 5;

  @Param("GAUSSIAN_NOISE")
  Corruption corruption;

  @Param("32")
  int side;

  private Corrupter corrupter;
  private float[][] clean;
  private float[][] images;
  private int[] numbers;

  @Setup(Level.Trial)
  public void draw() {
    ImageShape shape = new ImageShape(3, side, side);
    corrupter = Corrupter.of(new Shift(corruption, SEVERITY), shape, 0);
    clean = images(shape, count(side));
    images = new float[clean.length][shape.size()];
    numbers = new int[clean.length];
    Arrays.setAll(numbers, i -> i);
  }

  private static int count(int side) {
    return side == 32 ? 1024 : 32;
  }

  /** Builtin images, each pixel repeated until they are as large as wanted. */
  private static float[][] images(ImageShape shape, int count) {
    ImageSet set = BuiltinImages.test(count, 0);
    int scale = shape.width() / set.width();
    float[][] images = new float[count][shape.size()];
    float[] small = new float[set.shape().size()];
    for (int i = 0; i < count; i++) {
      set.read(i, small);
      for (int j = 0; j < shape.size(); j++) {
        int row = j / shape.width() / scale; // of all channels together
        images[i][j] = small[row * set.width() + j % shape.width() / scale];
      }
    }
    return images;
  }

  @Benchmark
  public float[][] corruptAll() {
    for (int i = 0; i < images.length; i++) {
      System.arraycopy(clean[i], 0, images[i], 0, clean[i].length);
    }
    corrupter.corruptAll(numbers, images);
    return images;
  }

  @Test
  void imagesASecond() throws RunnerException {
    String[] corruptions =
        Arrays.stream(Corruption.values())
            .filter(one -> one.family() == Family.IMAGE)
            .map(Enum::name)
            .toArray(String[]::new);
    for (int size : new int[] {32, 224}) {
      System.out.println(size + "x" + size);
      for (RunResult result :
          new Runner(
                  new OptionsBuilder()
                      .include(CorruptionBenchmark.class.getName())
                      .param("corruption", corruptions)
                      .param("side", Integer.toString(size))
                      .forks(1)
                      .warmupIterations(2)
                      .warmupTime(TimeValue.seconds(1))
                      .measurementIterations(3)
                      .measurementTime(TimeValue.seconds(1))
                      .timeUnit(TimeUnit.SECONDS)
                      .build())
              .run()) {
        System.out.printf(
            "%-20s %,10.0f images/s%n",
            Corruption.valueOf(result.getParams().getParam("corruption")).id(),
            result.getPrimaryResult().getScore() * count(size));
      }
    }
  }
}
