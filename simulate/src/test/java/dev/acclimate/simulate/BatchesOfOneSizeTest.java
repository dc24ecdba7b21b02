package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole network in the form for batches of one size, against the form for any. */
class BatchesOfOneSizeTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final double TOLERANCE = 1e-5;
  private static final int BATCH = 6;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tbn",
        "alpha-bn",
        "bn-prior",
        "ema",
        "unmix-tns",
        "adab2n[tasks=detected]",
        "adab2n[renormalize=false;slots=4;normalize=batch]",
        "tbn+tent",
        "alpha-bn+core",
        "unmix-tns+tent[steps=2]",
        "ema+eta[margin=1]"
      })
  void answersAndStatesAreThoseOfTheFormForAnySize(String method) {
    OnnxModel builtin = BuiltinModel.load();
    AdaptedModel adapted = AdaptedModel.adapt(builtin, Method.parse(method));
    AdaptationState start = adapted.initialState(1, null);
    SplittableRandom random = new SplittableRandom(1);
    try (AdaptiveModel any = AdaptiveModel.open(adapted, start, ONE_THREAD);
        AdaptiveModel one = AdaptiveModel.open(adapted, start, ONE_THREAD.forBatchesOf(BATCH))) {
      // the last batch is smaller: the form for one size hands it on
      for (int samples : new int[] {BATCH, BATCH, BATCH - 1}) {
        Map<String, Tensor> batch = batch(builtin, samples, random);
        assertClose("answer", one.run(batch).outputs(), any.run(batch).outputs());
      }
      assertClose("state", one.state().tensors(), any.state().tensors());
      assertThat(one.step()).isEqualTo(3);
    }
  }

  private static Map<String, Tensor> batch(OnnxModel model, int samples, SplittableRandom random) {
    Tensor tensor = Tensor.allocate(ElementType.FP32, samples, 3, 32, 32);
    FloatBuffer values = tensor.floats();
    while (values.hasRemaining()) {
      values.put((float) random.nextGaussian(0.3, 1.2));
    }
    return Map.of(model.inputs().get(0).name(), tensor);
  }

  private static void assertClose(
      String what, Map<String, Tensor> found, Map<String, Tensor> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          float[] theirs = tensor.toFloatArray();
          float[] ours = found.get(name).toFloatArray();
          double difference = 0;
          double norm = 0;
          for (int i = 0; i < theirs.length; i++) {
            difference += Math.pow((double) ours[i] - theirs[i], 2);
            norm += Math.pow(theirs[i], 2);
          }
          assertThat(Math.sqrt(difference))
              .as(what + " " + name)
              .isLessThanOrEqualTo(TOLERANCE * Math.sqrt(norm));
        });
  }
}
