package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.feedback.Predictions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FrozenModelTest {
  private static final SessionSettings SETTINGS = new SessionSettings(ExecutionProvider.CPU, 1);

  @TempDir private Path folder;

  @Test
  void answersAsTheModelDidBeforeItAdaptedAndLeavesTheAdaptedAnswerAlone() throws IOException {
    OnnxModel source = OnnxModel.read(TinyClassifier.write(folder.resolve("tiny.onnx")));
    AdaptedModel unadapted = AdaptedModel.adapt(source, Method.parse("source"));
    AdaptedModel adapted = AdaptedModel.adapt(source, Method.parse("tbn"));
    Random random = new Random(3);
    float[] pixels = new float[8 * 3 * 32 * 32];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) (5 + 3 * random.nextGaussian());
    }
    Map<String, Tensor> batch = Map.of("image", Tensor.of(pixels, 8, 3, 32, 32));
    Predictions predictions = Predictions.of(source.outputs());

    try (AdaptiveModel before =
            AdaptiveModel.open(unadapted, unadapted.initialState(0, null), SETTINGS);
        AdaptiveModel model =
            AdaptiveModel.open(adapted, adapted.initialState(0, null), SETTINGS)) {
      Map<String, Tensor> answer = model.run(batch).outputs();
      float[] scores = answer.get("scores").toFloatArray();
      Map<String, Tensor> shadow = model.runFrozen(batch);

      assertThat(predictions.classes(shadow))
          .containsExactly(predictions.classes(before.run(batch).outputs()));
      assertThat(answer.get("scores").toFloatArray()).containsExactly(scores);
      assertThat(shadow.get("scores").toFloatArray()).isNotEqualTo(scores);
    }
  }
}
