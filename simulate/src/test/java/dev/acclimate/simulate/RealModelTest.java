package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Corruptions must hurt a real network about as much as the published ones do. */
class RealModelTest {

  private static final Path DATA = Path.of("../../shared/data/cifar10");
  private static final int BATCH = 100;

  /** Error rates of this network at severity 5, corruptions by their published definition. */
  private static final Map<Corruption, Double> EXPECTED =
      Map.of(
          Corruption.NONE, 0.12,
          Corruption.GAUSSIAN_NOISE, 0.50,
          Corruption.IMPULSE_NOISE, 0.62,
          Corruption.FOG, 0.44,
          Corruption.BRIGHTNESS, 0.19,
          Corruption.CONTRAST, 0.77);

  @Test
  void hurtsAsMuchAsThePublishedCorruptions() {
    assumeTrue(Files.isDirectory(DATA));
    Path file = DATA.resolve("resnet20.onnx");
    ImageSet images = DataSpec.parse("cifar10:" + DATA).load().head(1000);
    StreamOptions options = new StreamOptions(DomainSchedule.SINGLE, 5, Order.IID, 1);
    DomainStream stream =
        DomainStream.of(
            DomainKind.corrupted(images, List.copyOf(EXPECTED.keySet()), 1),
            Preprocessing.forModel(file, images),
            options);

    try (ModelSession session = ModelSession.open(OnnxModel.read(file), SessionSettings.DEFAULT);
        Tensor input = Tensor.allocate(ElementType.FP32, BATCH, 3, 32, 32)) {
      for (Segment domain : stream.segments()) {
        assertThat(errorRate(session, input, domain))
            .as(domain.name())
            .isCloseTo(EXPECTED.get(Corruption.parseList(domain.name()).get(0)), within(0.05));
      }
    }
  }

  private static double errorRate(ModelSession session, Tensor input, Segment domain) {
    int errors = 0;
    for (int from = 0; from < domain.size(); from += BATCH) {
      domain.fill(from, BATCH, input.floats());
      float[] logits = session.run(Map.of("input", input)).get("logits").toFloatArray();
      for (int i = 0; i < BATCH; i++) {
        errors +=
            argMax(FloatBuffer.wrap(logits, i * 10, 10).slice()) == domain.label(from + i) ? 0 : 1;
      }
    }
    return (double) errors / domain.size();
  }

  private static int argMax(FloatBuffer values) {
    int best = 0;
    for (int i = 1; i < values.limit(); i++) {
      if (values.get(i) > values.get(best)) {
        best = i;
      }
    }
    return best;
  }
}
