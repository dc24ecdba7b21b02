package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ImageSizingTest {

  @Test
  void cutsTheCentreOfImagesThatFit() {
    // columns 0 to 4 of rows 0 and 1
    byte[] chw = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90};

    assertThat(new ImageSizing(0, 2, 2).apply(chw, new ImageShape(1, 2, 5)))
        .containsExactly(20, 30, 70, 80);
  }

  @Test
  void averagesAllPixelsWhereItShrinks() {
    byte[] stripes = {0, 80, 0, 80};

    // a triangle of four pixels around 0.5 and 2.5: weights 3, 3, 1 and 1, 3, 3, each over 7
    assertThat(new ImageSizing(0, 1, 2).apply(join(stripes, stripes), new ImageShape(1, 2, 4)))
        .containsExactly(34, 46);
  }

  private static byte[] join(byte[] first, byte[] second) {
    return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
  }

  @Test
  void interpolatesWhereItEnlarges() {
    byte[] pair = {0, 100, 0, 100};

    // output pixels lie at -0.25, 0.25, 0.75 and 1.25 of the input's
    assertThat(new ImageSizing(0, 4, 4).apply(pair, new ImageShape(1, 2, 2)))
        .startsWith(0, 25, 75, 100);
  }

  @Test
  void scalesTheShorterSideBeforeItCuts() {
    byte[] chw = new byte[4 * 8];
    for (int i = 0; i < chw.length; i++) {
      chw[i] = (byte) (i % 8 * 10);
    }

    // every pair of columns becomes one, blurred over its neighbours; the middle two are kept
    byte[] cut = new ImageSizing(2, 2, 2).apply(chw, new ImageShape(1, 4, 8));

    assertThat(cut).containsExactly(25, 45, 25, 45);
  }

  @Property
  void keepsEvenImagesEven(
      @ForAll @IntRange(min = 1, max = 40) int height,
      @ForAll @IntRange(min = 1, max = 40) int width,
      @ForAll @IntRange(min = 1, max = 20) int size,
      @ForAll @IntRange(min = 0, max = 20) int more,
      @ForAll byte value) {
    byte[] chw = new byte[3 * height * width];
    Arrays.fill(chw, value);

    byte[] sized =
        new ImageSizing(more == 0 ? 0 : size + more, size, size)
            .apply(chw, new ImageShape(3, height, width));

    assertThat(sized).hasSize(3 * size * size).containsOnly(value);
  }
}
