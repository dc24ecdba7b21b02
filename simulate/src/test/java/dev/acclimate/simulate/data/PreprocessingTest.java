package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.InvalidInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreprocessingTest {

  @TempDir Path directory;

  @Test
  void readsTheFileBesideTheModel() {
    ImageFiles.write(
        directory.resolve("net.yaml"),
        """
        mean: [1, 2, 3]
        std: 0.5
        scale: 1.0
        layout: nhwc
        classes: [cat, dog]
        """
            .getBytes(StandardCharsets.UTF_8));

    Preprocessing read = Preprocessing.forModel(directory.resolve("net.onnx"), images(3));

    assertThat(read)
        .isEqualTo(
            new Preprocessing(
                1,
                List.of(1.0, 2.0, 3.0),
                List.of(0.5, 0.5, 0.5),
                Layout.NHWC,
                List.of("cat", "dog")));
  }

  @Test
  void fallsBackToImageNetForThreeColours() {
    Path model = directory.resolve("net.onnx");

    assertThat(Preprocessing.forModel(model, images(3)).mean())
        .containsExactly(0.485, 0.456, 0.406);
    assertThat(Preprocessing.forModel(model, images(1)).mean()).containsExactly(0.0);
    assertThat(Preprocessing.forModel(model, images(1)).std()).containsExactly(1.0);
  }

  @Test
  void takesMeasurementsAsTheyAreWhereTheModelSaysNothing() {
    Preprocessing preprocessing =
        Preprocessing.forModel(directory.resolve("net.onnx"), MEASUREMENTS);

    assertThat(written(preprocessing)).containsExactly(20, 40, 5, -5);
  }

  @Test
  void standardisesMeasurements() {
    ImageFiles.write(
        directory.resolve("net.yaml"),
        "mean: [10, 0]\nstd: [10, 5]\nscale: 1\nlayout: NWC".getBytes(StandardCharsets.UTF_8));
    Preprocessing preprocessing =
        Preprocessing.forModel(directory.resolve("net.onnx"), MEASUREMENTS);

    assertThat(written(preprocessing)).containsExactly(1, 1, 3, -1);
  }

  @Test
  void refusesAScaleForMeasurements() {
    assertThatThrownBy(() -> Preprocessing.identity(2).withScale(0.5).on(MEASUREMENTS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected no scale")
        .hasMessageContaining("pumps holds measurements, found 0.5");
  }

  /** Two channels, two steps. */
  private static final ImageSet MEASUREMENTS =
      ImageSet.ofFloats(
          "pumps",
          new ImageShape(2, 1, 2),
          List.of("a"),
          new float[][] {{20, 40, 5, -5}},
          new int[] {0},
          Values.MEASUREMENTS);

  private static float[] written(Preprocessing preprocessing) {
    float[] sample = new float[4];
    MEASUREMENTS.read(0, sample);
    FloatBuffer out = FloatBuffer.allocate(4);
    preprocessing.on(MEASUREMENTS).write(sample, MEASUREMENTS.shape(), out, 0);
    return out.array();
  }

  private static ImageSet images(int channels) {
    return ImageSet.ofBytes(
        "pixel",
        new ImageShape(channels, 1, 1),
        List.of("a"),
        new byte[1][channels],
        new int[] {0});
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "means: [1, 2, 3] | unknown key \"means\"",
        "'mean: [1, 2]\nstd: [1, 1, 1]' | mean: expected 3 numbers, one a channel (or one for all), found [1,2]",
        "'mean: [a, b, c]\nstd: 1' | mean: expected 3 numbers",
        "mean: [1, 2, 3] | expected mean and std together, found mean alone",
        "'mean: 0\nstd: 0' | expected std above 0",
        "scale: wide | scale: expected a number, found \"wide\"",
        "layout: CHWN | layout: expected NCHW or NHWC, found \"CHWN\"",
        "classes: 10 | classes: expected a list of names, found 10",
        "[1, 2] | expected keys out of",
        "'mean: [' | no YAML",
      })
  void saysWhichKeyIsWrong(String yaml, String message) {
    Path file =
        ImageFiles.write(directory.resolve("net.yaml"), yaml.getBytes(StandardCharsets.UTF_8));

    assertThatThrownBy(() -> Preprocessing.read(file, Preprocessing.defaults(3)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void writesEitherLayout() {
    Preprocessing planes =
        Preprocessing.defaults(2).withStatistics(List.of(0.5, 0.0), List.of(0.25, 2.0));
    ImageShape shape = new ImageShape(2, 1, 2);
    float[] image = {0, 1, 0.5f, 1};
    FloatBuffer out = ByteBuffer.allocateDirect(32).order(ByteOrder.nativeOrder()).asFloatBuffer();

    planes.write(image, shape, out, 0);
    planes.withLayout(Layout.NHWC).write(image, shape, out, 4);

    float[] written = new float[8];
    out.get(0, written);
    assertThat(written).containsExactly(-2, 2, 0.25f, 0.5f, -2, 0.25f, 2, 0.5f);
  }

  @Test
  void scalesByteValues() {
    Preprocessing raw = Preprocessing.defaults(1).withScale(1);
    FloatBuffer out = FloatBuffer.allocate(1);

    raw.write(new float[] {0.2f}, new ImageShape(1, 1, 1), out, 0);

    assertThat(out.get(0)).isCloseTo(51, within(1e-4f));
  }

  @Test
  void leavesModelInputsAlone() {
    ImageSet inputs =
        ImageSet.ofFloats(
            "inputs",
            new ImageShape(1, 1, 1),
            List.of("a"),
            new float[][] {{-3.5f}},
            new int[] {0},
            Values.MODEL_INPUTS);
    FloatBuffer out = FloatBuffer.allocate(1);

    Preprocessing.defaults(1)
        .withStatistics(List.of(9.0), List.of(9.0))
        .on(inputs)
        .write(new float[] {-3.5f}, inputs.shape(), out, 0);

    assertThat(out.get(0)).isEqualTo(-3.5f);
  }

  @Test
  void parsesFlags() {
    assertThat(Preprocessing.parseNumbers("--mean", "0.485, 0.456,0.406"))
        .containsExactly(0.485, 0.456, 0.406);
    assertThatThrownBy(() -> Preprocessing.parseNumbers("--mean", "0.4;0.5"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("--mean: expected numbers separated by commas, found \"0.4;0.5\"");
  }

  @Test
  void refusesStatisticsForOtherChannels() {
    ImageSet images = DataSpec.parse("builtin:1").load();

    assertThatThrownBy(() -> Preprocessing.defaults(1).on(images))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected 3 values of mean and std")
        .hasMessageContaining("found 1");
  }
}
