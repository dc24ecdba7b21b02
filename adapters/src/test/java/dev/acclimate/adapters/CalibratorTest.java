package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OrtException;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Statistics of source samples, measured and clustered. */
class CalibratorTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int[] CHANNELS = {4, 5};
  private static final int[][] CLASSES = {{7, 2, 2, 9, 7}, {9, 9, 2}};

  private final OnnxModel model = TwoSiteModel.of(1);
  @TempDir private Path folder;

  private Calibrator measured(boolean labelled) {
    Calibrator calibrator = Calibrator.open(model, ONE_THREAD);
    for (int i = 0; i < CLASSES.length; i++) {
      try (Tensor images = TwoSiteModel.images(CLASSES[i].length, i)) {
        calibrator.add(Map.of("image", images), labelled ? CLASSES[i] : new int[0]);
      }
    }
    return calibrator;
  }

  private Calibration calibration(int components) {
    try (Calibrator calibrator = measured(true)) {
      return calibrator.cluster(components, 1);
    }
  }

  /** Each site's input as ONNX Runtime computes it: {@code [site][sample][channel][position]}. */
  private static double[][][][] siteInputs() throws OrtException {
    ModelProto.Builder open = TwoSiteModel.proto(1, 17).toBuilder();
    for (String tensor : new String[] {"h1", "h2"}) {
      open.getGraphBuilder().addOutput(ValueInfoProto.newBuilder().setName(tensor));
    }
    int[] positions = {16, 4};
    double[][][][] inputs = new double[2][8][][];
    try (BareSession session = BareSession.open(open.build().toByteArray())) {
      int sample = 0;
      for (int i = 0; i < CLASSES.length; i++) {
        try (Tensor images = TwoSiteModel.images(CLASSES[i].length, i)) {
          Map<String, float[]> outputs = session.run("image", images);
          for (int b = 0; b < CLASSES[i].length; b++, sample++) {
            for (int site = 0; site < 2; site++) {
              double[][] x = new double[CHANNELS[site]][positions[site]];
              for (int c = 0; c < x.length; c++) {
                for (int s = 0; s < x[c].length; s++) {
                  x[c][s] = outputs.get("h" + (site + 1))[(b * x.length + c) * positions[site] + s];
                }
              }
              inputs[site][sample] = x;
            }
          }
        }
      }
    }
    return inputs;
  }

  @Test
  void componentsByClassArePlainMeansAndVariances() throws OrtException {
    double[][][][] inputs = siteInputs();
    int[] classes = {7, 2, 2, 9, 7, 9, 9, 2};
    int[] sorted = {2, 7, 9};

    Calibration calibration = calibration(3);

    assertThat(calibration.provenance()).containsEntry("grouping", "class");
    for (int site = 0; site < 2; site++) {
      int channels = CHANNELS[site];
      double[] mean = new double[3 * channels];
      double[] variance = new double[3 * channels];
      for (int k = 0; k < 3; k++) {
        for (int c = 0; c < channels; c++) {
          int n = 0;
          double square = 0;
          for (int b = 0; b < classes.length; b++) {
            if (classes[b] == sorted[k]) {
              for (double value : inputs[site][b][c]) {
                mean[k * channels + c] += value;
                square += value * value;
                n++;
              }
            }
          }
          // all instances are equally large: the group's statistics are those of its values
          mean[k * channels + c] /= n;
          variance[k * channels + c] = square / n - Math.pow(mean[k * channels + c], 2);
        }
      }
      SiteComponents components = calibration.site("bn" + (site + 1));
      assertThat(PlainNormalization.relativeError(components.mean(), mean)).isLessThan(1e-5);
      assertThat(PlainNormalization.relativeError(components.variance(), variance))
          .isLessThan(1e-5);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, true", "2, true", "8, true", "3, false", "5, false"})
  void otherwiseSamplesAreGroupedByDirectionIntoGroupsThatAreNotEmpty(
      int components, boolean labelled) {
    try (Calibrator calibrator = measured(labelled)) {
      Calibration calibration = calibrator.cluster(components, 1);

      assertThat(calibration.provenance().get("grouping")).startsWith("k-means");
      for (int site = 0; site < 2; site++) {
        SiteComponents found = calibration.site("bn" + (site + 1));
        assertThat(found.mean()).hasSize(components * CHANNELS[site]);
        // an empty group would have divided by nothing
        assertThat(Tensor.of(found.mean(), found.mean().length).isFinite()).isTrue();
        assertThat(Tensor.of(found.variance(), found.mean().length).isFinite()).isTrue();
        for (float variance : found.variance()) {
          assertThat(variance).isNotNegative();
        }
      }
    }
  }

  @Test
  void oneComponentHoldsTheStatisticsOfAllSamples() throws OrtException {
    double[][][] x = siteInputs()[0];
    PlainNormalization plain =
        new PlainNormalization(OneSiteModel.random(4, new long[] {4, 4}, 0, 17, 1, false));

    SiteComponents found = calibration(1).site("bn1");

    assertThat(PlainNormalization.relativeError(found.mean(), plain.batchMean(x))).isLessThan(1e-5);
    assertThat(PlainNormalization.relativeError(found.variance(), plain.batchVariance(x)))
        .isLessThan(1e-5);
  }

  @Test
  void refusesMoreComponentsThanSamples() {
    try (Calibrator calibrator = measured(true)) {
      assertThatThrownBy(() -> calibrator.cluster(9, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("calibration: expected at least 9 samples, one a component, found 8");
    }
  }

  @Test
  void refusesSamplesThatAreNotFinite() {
    try (Calibrator calibrator = measured(true);
        Tensor images = TwoSiteModel.images(2, 5)) {
      images.floats().put(3, Float.NaN);

      assertThatThrownBy(() -> calibrator.add(Map.of("image", images), 1, 2))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("two-sites: sample 8 gives statistics that are not finite");
    }
  }

  private Path written(Calibration calibration) {
    Path file = folder.resolve("calibration.safetensors");
    calibration.write(file);
    return file;
  }

  @Test
  void readsBackWhatItWroteAndStartsComponentsThere() {
    Calibration calibration = calibration(3);
    AdaptedModel adapted =
        AdaptedModel.adapt(model, Method.parse("unmix-tns[init=calibrated;components=3]"));

    Calibration read = Calibration.read(written(calibration));

    assertThat(read.components()).isEqualTo(3);
    assertThat(read.provenance()).isEqualTo(calibration.provenance());
    float[] start = adapted.initialState(0, read).tensors().get("component_var").toFloatArray();
    for (int k = 0; k < 3; k++) {
      for (int c = 0; c < 9; c++) {
        float expected =
            c < 4
                ? calibration.site("bn1").variance()[4 * k + c]
                : calibration.site("bn2").variance()[5 * k + c - 4];
        assertThat(start[9 * k + c]).isEqualTo(expected);
      }
    }
  }

  @Test
  void isRefusedByAnotherModelWithBothNamed() {
    OnnxModel other = TwoSiteModel.of(2);
    AdaptedModel adapted =
        AdaptedModel.adapt(other, Method.parse("unmix-tns[init=calibrated;components=3]"));
    Calibration calibration = calibration(3);

    assertThatThrownBy(() -> adapted.initialState(0, calibration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("calibration is of another model")
        .hasMessageContaining(other.digest())
        .hasMessageContaining(model.digest());
  }

  @Test
  void isRefusedByAnotherNumberOfComponents() {
    AdaptedModel adapted =
        AdaptedModel.adapt(model, Method.parse("unmix-tns[init=calibrated;components=4]"));
    Calibration calibration = calibration(3);

    assertThatThrownBy(() -> adapted.initialState(0, calibration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "calibration has 3 components, the method asks for 4: set components=3 or calibrate"
                + " with --components 4");
  }

  @Test
  void aStateIsNoCalibration() {
    Path file = folder.resolve("state.safetensors");
    AdaptedModel.adapt(model, Method.parse("ema")).initialState(0, null).write(file);

    assertThatThrownBy(() -> Calibration.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": not a calibration")
        .hasMessageContaining("acclimate calibrate");
  }

  @Test
  void aCalibrationWithoutAModelsSiteIsRefused() {
    Calibration partial =
        new Calibration(
            model.digest(),
            1,
            Map.of("bn1", new SiteComponents(1, new float[4], new float[4])),
            Map.of());
    AdaptedModel adapted =
        AdaptedModel.adapt(model, Method.parse("unmix-tns[init=calibrated;components=1]"));

    assertThatThrownBy(() -> adapted.initialState(0, partial))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("calibration has no site 'bn2', it has [bn1]");
  }

  @Test
  void aCalibrationWithOtherChannelsIsRefused() {
    SiteComponents narrow = new SiteComponents(1, new float[2], new float[2]);
    Calibration wrong =
        new Calibration(model.digest(), 1, Map.of("bn1", narrow, "bn2", narrow), Map.of());
    AdaptedModel adapted =
        AdaptedModel.adapt(model, Method.parse("unmix-tns[init=calibrated;components=1]"));

    assertThatThrownBy(() -> adapted.initialState(0, wrong))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("calibration of site 'bn1': expected 4 channels, found 2");
  }
}
