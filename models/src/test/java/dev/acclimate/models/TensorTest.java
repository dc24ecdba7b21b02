package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TensorTest {
  private final Tensor tensor = Tensor.of(new float[] {0, 1, 2, 3, 4, 5}, 3, 2);

  @Test
  void viewsShareMemoryWithTheirOrigin() {
    Tensor view = tensor.first(2).reshaped(4);

    view.floats().put(3, 30);
    tensor.floats().put(0, 10);

    assertThat(view.toFloatArray()).containsExactly(10, 1, 2, 30);
    assertThat(tensor.toFloatArray()).containsExactly(10, 1, 2, 30, 4, 5);
  }

  @Test
  void copiesDoNot() {
    Tensor copy = tensor.copy();

    tensor.floats().put(0, 10);

    assertThat(copy.toFloatArray()).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(copy.shape()).containsExactly(3, 2);
  }

  @Test
  void slicesShareMemoryWithTheirOrigin() {
    Tensor tensor = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);

    Tensor slice = tensor.slice(1, 2);
    slice.floats().put(0, 9);

    assertThat(slice.toFloatArray()).containsExactly(9, 4, 5, 6);
    assertThat(tensor.toFloatArray()).containsExactly(1, 2, 9, 4, 5, 6);
    assertThatThrownBy(() -> tensor.slice(2, 2))
        .hasMessage("entries 2 to 4 of a tensor of shape [3, 2]");
  }

  @Test
  void refusesViewsLargerThanItself() {
    assertThatThrownBy(() -> tensor.first(4))
        .hasMessage("entries 0 to 4 of a tensor of shape [3, 2]");
    assertThatThrownBy(() -> tensor.reshaped(7)).hasMessage("cannot reshape [3, 2] to [7]");
    assertThatThrownBy(() -> tensor.reshaped(-1, 6)).hasMessageContaining("negative size");
  }

  @Test
  void takesTheContentOfItsLikeOnly() {
    tensor.set(Tensor.of(new float[] {9, 8, 7, 6, 5, 4}, 3, 2));

    assertThat(tensor.toFloatArray()).containsExactly(9, 8, 7, 6, 5, 4);
    assertThatThrownBy(() -> tensor.set(Tensor.allocate(ElementType.FP32, 2, 3)))
        .hasMessage("cannot set FP32 [3, 2] from FP32 [2, 3]");
    assertThatThrownBy(() -> tensor.set(Tensor.allocate(ElementType.INT32, 3, 2)))
        .hasMessage("cannot set FP32 [3, 2] from INT32 [3, 2]");
  }

  @ParameterizedTest
  @EnumSource
  void holdsAsManyBytesAsItsTypeAndShapeSay(ElementType type) {
    assertThat(Tensor.allocate(type, 3, 2, 5).bytes().remaining()).isEqualTo(30 * type.bytes());
  }

  @Test
  void refusesValuesThatDoNotFillTheShape() {
    assertThatThrownBy(() -> Tensor.of(new float[5], 3, 2)).hasMessage("5 values for shape [3, 2]");
  }

  @Test
  void wrapsDirectMemoryOfTheRightSizeOnly() {
    ByteBuffer direct = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    Tensor wrapped = Tensor.wrap(ElementType.FP32, direct, 2);
    direct.putFloat(4, 2.5f);

    assertThat(wrapped.toFloatArray()).containsExactly(0, 2.5f);
    assertThatThrownBy(() -> Tensor.wrap(ElementType.FP32, direct, 3))
        .hasMessageStartingWith("need a direct buffer of 12 bytes");
    assertThatThrownBy(() -> Tensor.wrap(ElementType.FP32, ByteBuffer.allocate(8), 2))
        .hasMessageStartingWith("need a direct buffer of 8 bytes");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void oneValueThatIsNotFiniteIsFoundAnywhere(float value) {
    for (int i = 0; i < 6; i++) {
      Tensor damaged = tensor.copy();
      damaged.floats().put(i, value);

      assertThat(damaged.isFinite()).as("at %d", i).isFalse();
    }
  }

  @Test
  void theLargestAndSmallestNumbersAreFinite() {
    float[] extremes = {Float.MAX_VALUE, -Float.MAX_VALUE, Float.MIN_VALUE, -0f, 0, -1};

    assertThat(Tensor.of(extremes, 6).isFinite()).isTrue();
    assertThat(Tensor.allocate(ElementType.FP32, 0).isFinite()).isTrue();
  }

  @Test
  void numbersOfAnotherTypeAreNotReadAsFloats() {
    assertThatThrownBy(() -> Tensor.allocate(ElementType.INT64, 1).floats())
        .hasMessage("tensor is INT64, not FP32");
    assertThatThrownBy(tensor::longs).hasMessage("tensor is FP32, not INT64");
  }
}
