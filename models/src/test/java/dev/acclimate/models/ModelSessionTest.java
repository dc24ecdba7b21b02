package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSessionTest {
  private final ModelSession session = open(ModelSketch.oneSite(17, 3));

  private static ModelSession open(ModelSketch sketch) {
    return ModelSession.open(sketch.model(), new SessionSettings(ExecutionProvider.CPU, 1));
  }

  @AfterEach
  void close() {
    session.close();
  }

  private static Tensor ramp(long batch) {
    Tensor tensor = Tensor.allocate(ElementType.FP32, batch, 2, 3);
    for (int i = 0; i < tensor.elements(); i++) {
      tensor.floats().put(i, i * 0.5f - 1);
    }
    return tensor;
  }

  /** The normalization by its formula. */
  private static float[] normalized(Tensor x) {
    float[] y = x.toFloatArray();
    for (int i = 0; i < y.length; i++) {
      boolean first = i / 3 % 2 == 0;
      y[i] =
          first
              ? (float) (1.5 * (y[i] - 2) / Math.sqrt(4 + 1e-5) + 0.25)
              : (float) (-0.5 * (y[i] + 3) / Math.sqrt(0.25 + 1e-5) + 1);
    }
    return y;
  }

  @Test
  void batchesMayChangeTheirSizeFromRunToRun() {
    for (long batch : new long[] {4, 1, 7, 7, 2, 0, 5}) {
      try (Tensor x = ramp(batch)) {
        Tensor y = session.run(Map.of("x", x)).get("y");

        assertThat(y.shape()).containsExactly(batch, 2, 3);
        assertThat(y.toFloatArray()).containsExactly(normalized(x), within(1e-4f));
      }
    }
  }

  @Test
  void outputsOfLikeSizeLieInTheSameMemory() {
    try (Tensor x = ramp(4)) {
      Tensor first = session.run(Map.of("x", x)).get("y");
      x.floats().put(0, 50);

      Tensor second = session.run(Map.of("x", x)).get("y");

      assertThat(second).isSameAs(first);
      assertThat(second.toFloatArray()).containsExactly(normalized(x), within(1e-4f));
    }
  }

  @Test
  void pinnedOutputsAreWrittenWhereTheCallerWants() {
    try (Tensor x = ramp(3);
        Tensor target = Tensor.allocate(ElementType.FP32, 3, 2, 3)) {
      Map<String, Tensor> others = session.run(Map.of("x", x), Map.of("y", target));

      assertThat(others).isEmpty();
      assertThat(target.toFloatArray()).containsExactly(normalized(x), within(1e-4f));
    }
  }

  @Test
  void outputsWhoseSizeOnlyTheRunTellsAreReturned() {
    ModelSketch sketch =
        ModelSketch.ofOpset(17)
            .input("x", "n")
            .output("places", TensorProto.DataType.INT64, 1L, "found")
            .output("twice", "n")
            .node("NonZero", "", "x", "places")
            .node("Add", "", "x x", "twice");
    try (ModelSession dynamic = open(sketch)) {
      for (float[] values : new float[][] {{0, 3, 0, 5}, {1, 1}, {0, 0, 0}}) {
        try (Tensor x = Tensor.of(values, values.length)) {
          Map<String, Tensor> outputs = dynamic.run(Map.of("x", x));

          long[] expected =
              java.util.stream.IntStream.range(0, values.length)
                  .filter(i -> values[i] != 0)
                  .asLongStream()
                  .toArray();
          Tensor places = outputs.get("places");
          long[] found = new long[(int) places.elements()];
          places.longs().get(found);
          assertThat(found).containsExactly(expected);
          assertThat(outputs.get("twice").shape()).containsExactly(values.length);
        }
      }
    }
  }

  @Test
  void aMissingInputIsNamed() {
    assertThatThrownBy(() -> session.run(new HashMap<>()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("sketch: input 'x' is missing");
  }

  @Test
  void aWrongShapeIsNamedWithTheRightOne() {
    for (long[] shape : new long[][] {{2, 3, 3}, {2, 2}, {2, 2, 4}, {1, 2, 2, 3}}) {
      try (Tensor wrong = Tensor.allocate(ElementType.FP32, shape)) {
        assertThatThrownBy(() -> session.run(Map.of("x", wrong)))
            .isInstanceOf(InvalidInputException.class)
            .hasMessage(
                "sketch: input 'x' expects FP32 [batch, 2, 3], got FP32 "
                    + java.util.Arrays.toString(shape));
      }
    }
  }

  @Test
  void aWrongTypeIsNamedWithTheRightOne() {
    try (Tensor wrong = Tensor.allocate(ElementType.FP64, 1, 2, 3)) {
      assertThatThrownBy(() -> session.run(Map.of("x", wrong)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("sketch: input 'x' expects FP32 [batch, 2, 3], got FP64 [1, 2, 3]");
    }
  }

  @Test
  void goesOnAfterARunThatWasRefused() {
    try (Tensor wrong = Tensor.allocate(ElementType.FP32, 1, 2);
        Tensor x = ramp(2)) {
      assertThatThrownBy(() -> session.run(Map.of("x", wrong)))
          .isInstanceOf(InvalidInputException.class);

      Tensor y = session.run(Map.of("x", x)).get("y");

      assertThat(y.toFloatArray()).containsExactly(normalized(x), within(1e-4f));
    }
  }

  @Test
  void aModelThatTheRuntimeRefusesIsTheUsersToMend() {
    ModelSketch sketch =
        ModelSketch.ofOpset(17).input("x", 1L).output("y", 1L).node("NoSuchThing", "", "x", "y");

    assertThatThrownBy(() -> open(sketch))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("sketch: ONNX Runtime refuses the model: ")
        .message()
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1025})
  void refusesImpossibleNumbersOfThreads(int threads) {
    assertThatThrownBy(() -> new SessionSettings(ExecutionProvider.CPU, threads))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("threads: expected 0 (one per core) to 1024, found " + threads);
  }

  @Test
  void oneSymbolIsOneSize() {
    ModelSketch sketch =
        ModelSketch.ofOpset(17)
            .input("a", "batch", 2L)
            .input("b", "batch", 2L)
            .output("sum", "batch", 2L)
            .node("Add", "", "a b", "sum");
    try (ModelSession two = open(sketch);
        Tensor a = Tensor.allocate(ElementType.FP32, 3, 2);
        Tensor b = Tensor.allocate(ElementType.FP32, 4, 2)) {
      assertThatThrownBy(() -> two.run(Map.of("a", a, "b", b)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("'b'")
          .hasMessageContaining("batch");
    }
  }
}
