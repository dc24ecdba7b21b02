package dev.acclimate.simulate.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuiltinModelTest {

  @Test
  void classifiesImagesThatItWasNotTrainedOn() {
    ImageSet images = BuiltinImages.test(1_000, BuiltinImages.DEFAULT_SEED);

    double accuracy = Accuracy.of(BuiltinModel.load(), BuiltinModel.preprocessing(), images, 1);

    assertThat(accuracy).isBetween(0.9, 0.99);
  }

  @Test
  void isSmallAndNormalizesInInferenceForm() {
    OnnxModel model = BuiltinModel.load();

    assertThat(model.toBytes()).hasSizeLessThan(1 << 20);
    assertThat(model.inputs()).hasToString("[input FP32 [batch, 3, 32, 32]]");
    assertThat(model.outputs()).hasToString("[logits FP32 [batch, 10]]");
    assertThat(model.graph().getNodeList())
        .filteredOn(node -> node.getOpType().equals("BatchNormalization"))
        .hasSizeGreaterThan(8)
        .allMatch(node -> node.getOutputCount() == 1);
    assertThat(BuiltinModel.preprocessing().classes()).isEqualTo(BuiltinImages.CLASSES);
  }

  @Test
  void writtenPreprocessingReadsBack(@TempDir Path folder) {
    Path file = folder.resolve("model.onnx");
    Preprocessing preprocessing = BuiltinModel.preprocessing();

    new BuiltinModelTraining.Result(BuiltinModel.load(), preprocessing, 0, 0).write(file);

    assertThat(Preprocessing.forModel(file, BuiltinImages.test(1, 0))).isEqualTo(preprocessing);
    assertThat(OnnxModel.read(file).digest()).isEqualTo(BuiltinModel.load().digest());
  }
}
