package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BuiltinImagesTest {

  private static final int SIZE = BuiltinImages.SHAPE.size();

  @Test
  void aLongerSetBeginsWithTheShorterOne() {
    ImageSet few = BuiltinImages.test(20, 3);
    ImageSet many = BuiltinImages.test(200, 3);

    float[] expected = new float[SIZE];
    float[] found = new float[SIZE];
    for (int i = 0; i < few.size(); i++) {
      few.read(i, expected);
      many.read(i, found);
      assertThat(found).isEqualTo(expected);
      assertThat(many.label(i)).isEqualTo(few.label(i));
    }
  }

  @Test
  void splitsAndSeedsDiffer() {
    float[] test = image(BuiltinImages.test(1, 3));

    assertThat(image(BuiltinImages.train(1, 3))).isNotEqualTo(test);
    assertThat(image(BuiltinImages.test(1, 4))).isNotEqualTo(test);
  }

  @Test
  void hasTheStatisticsOfPhotographs() {
    ImageSet images = BuiltinImages.test(2000, 0);
    double sum = 0;
    double squares = 0;
    int[] perClass = new int[BuiltinImages.CLASSES.size()];
    float[] image = new float[SIZE];
    for (int i = 0; i < images.size(); i++) {
      images.read(i, image);
      perClass[images.label(i)]++;
      for (float value : image) {
        sum += value;
        squares += value * value;
      }
    }

    double count = (double) images.size() * SIZE;
    double mean = sum / count;
    assertThat(mean).isBetween(0.42, 0.5);
    assertThat(Math.sqrt(squares / count - mean * mean)).isBetween(0.18, 0.27);
    assertThat(Arrays.stream(perClass)).allMatch(n -> n > 150 && n < 250);
  }

  private static float[] image(ImageSet images) {
    float[] image = new float[SIZE];
    images.read(0, image);
    return image;
  }
}
