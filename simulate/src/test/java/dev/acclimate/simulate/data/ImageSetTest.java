package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ImageSetTest {

  private static final ImageSet THREE =
      ImageSet.ofBytes(
          "three",
          new ImageShape(1, 1, 1),
          List.of("a", "b"),
          new byte[][] {{0}, {51}, {(byte) 255}},
          new int[] {0, 1, 1});

  @Test
  void subsetsKeepImagesAndLabelsTogether() {
    ImageSet subset = THREE.subset(new int[] {2, 0}).head(1);

    float[] image = new float[1];
    subset.read(0, image);
    assertThat(subset.size()).isEqualTo(1);
    assertThat(subset.label(0)).isEqualTo(1);
    assertThat(image).containsExactly(1f);
  }

  @Test
  void imagesKeepTheirNumberInTheWholeDataThroughPartsAndChanges() {
    ImageSet part = THREE.window(1, 3).mapped((index, chw) -> chw[0] = 0).subset(new int[] {2, 0});

    assertThat(part.origin(0)).isEqualTo(0);
    assertThat(part.origin(1)).isEqualTo(1);
  }

  @Test
  void headOfMoreThanThereAreIsAll() {
    assertThat(THREE.head(10).size()).isEqualTo(3);
  }

  @Test
  void refusesLabelsWithoutAClass() {
    assertThatThrownBy(
            () ->
                ImageSet.ofFloats(
                    "odd",
                    new ImageShape(1, 1, 1),
                    List.of("a"),
                    new float[][] {{0}},
                    new int[] {1},
                    Values.PIXELS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("odd: label of sample 0 must be 0 to 0, found 1");
  }
}
