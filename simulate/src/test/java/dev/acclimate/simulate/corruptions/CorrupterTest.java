package dev.acclimate.simulate.corruptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Severities.Disc;
import dev.acclimate.simulate.corruptions.Severities.Trail;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Values;
import dev.acclimate.simulate.random.SeededRandom;
import java.awt.Color;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;

class CorrupterTest {

  private static final ImageSet IMAGES = BuiltinImages.test(60, 0);
  private static final ImageShape SHAPE = IMAGES.shape();

  /** What is defined on images; sensor drift has tests of its own. */
  static List<Corruption> ofImages() {
    return Arrays.stream(Corruption.values())
        .filter(corruption -> corruption.family() != Family.SENSOR)
        .toList();
  }

  /**
   * The published parameters of those left out do not rise with every severity either. Spatter
   * turns from water to mud, and saturate from paler to stronger colours.
   */
  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {
        "NONE",
        "GLASS_BLUR",
        "MOTION_BLUR",
        "FROST",
        "ELASTIC_TRANSFORM",
        "SPATTER",
        "SATURATE",
        "SENSOR_OFFSET",
        "SENSOR_GAIN",
        "NOISE_FLOOR",
        "CHANNEL_DROPOUT",
        "SAMPLING_JITTER"
      })
  void changesMoreWithEverySeverity(Corruption corruption) {
    double before = 0;
    for (int severity = 1; severity <= Shift.MAX_SEVERITY; severity++) {
      float[][] clean = images();
      float[][] corrupted = images();
      corrupter(corruption, severity).corruptAll(numbers(), corrupted);
      double change = 0;
      for (int i = 0; i < clean.length; i++) {
        for (int j = 0; j < clean[i].length; j++) {
          change += Math.pow(corrupted[i][j] - clean[i][j], 2);
        }
      }
      assertThat(change).as("severity %d", severity).isGreaterThan(before * 1.05);
      before = change;
    }
  }

  @ParameterizedTest
  @MethodSource("ofImages")
  void givesWholeStepsWithinTheUnitRange(Corruption corruption) {
    float[][] corrupted = images();
    corrupter(corruption, 5).corruptAll(numbers(), corrupted);

    for (float[] image : corrupted) {
      for (float value : image) {
        assertThat(value).isBetween(0f, 1f);
        assertThat(value * 255).isCloseTo(Math.round(value * 255), within(1e-4f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("ofImages")
  void doesNotDependOnOrderOrThreads(Corruption corruption) {
    float[][] together = images();
    corrupter(corruption, 4).corruptAll(numbers(), together);

    for (int i = together.length - 1; i >= 0; i--) {
      float[] alone = images()[i];
      corrupter(corruption, 4).corrupt(i, alone);
      assertThat(alone).isEqualTo(together[i]);
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "GAUSSIAN_NOISE",
        "SHOT_NOISE",
        "IMPULSE_NOISE",
        "GLASS_BLUR",
        "MOTION_BLUR",
        "SNOW",
        "FROST",
        "FOG",
        "ELASTIC_TRANSFORM",
        "SPECKLE_NOISE",
        "SPATTER",
        "DARKNESS"
      })
  void samplesAndSeedsDrawTheirOwn(Corruption corruption) {
    float[] first = images()[0];
    float[] second = images()[0];
    float[] otherSeed = images()[0];
    corrupter(corruption, 3).corrupt(0, first);
    corrupter(corruption, 3).corrupt(1, second);
    Corrupter.of(new Shift(corruption, 3), SHAPE, 9).corrupt(0, otherSeed);

    assertThat(second).isNotEqualTo(first);
    assertThat(otherSeed).isNotEqualTo(first);
  }

  @Test
  void noneChangesNothing() {
    float[] image = {0.12345f, 0.5f, 0.999f};
    Corrupter.of(Shift.NONE, new ImageShape(3, 1, 1), 0).corrupt(0, image);

    assertThat(image).containsExactly(0.12345f, 0.5f, 0.999f);
  }

  @Test
  void noiseHasThePublishedSpread() {
    // cutting down to whole steps lowers the mean by half a step
    double step = 1 / 255.0;
    double[] gaussian = moments(Corruption.GAUSSIAN_NOISE, 5);
    double[] shot = moments(Corruption.SHOT_NOISE, 5);
    double[] impulse = moments(Corruption.IMPULSE_NOISE, 5);

    assertThat(gaussian[0]).isCloseTo(0.5 - step / 2, within(0.002));
    assertThat(gaussian[1]).isCloseTo(0.1, within(0.002));
    // 50 photons a unit: deviation sqrt(0.5 / 50)
    assertThat(shot[0]).isCloseTo(0.5 - step / 2, within(0.003));
    assertThat(shot[1]).isCloseTo(0.1, within(0.002));
    // 7 % of the values are half a unit off
    assertThat(impulse[0]).isCloseTo(127 / 255.0, within(0.003));
    assertThat(impulse[1]).isCloseTo(0.5 * Math.sqrt(0.07), within(0.006));
  }

  @Test
  void noPhotonsMeanBlack() {
    float[] black = grey(0);
    corrupter(Corruption.SHOT_NOISE, 5).corrupt(0, black);

    assertThat(black).containsOnly(0f);
  }

  @Test
  void contrastPullsTowardsTheChannelMean() {
    float[] image = {0.2f, 0.8f, 0.4f, 0.4f};
    Corrupter.of(new Shift(Corruption.CONTRAST, 5), new ImageShape(2, 1, 2), 0).corrupt(0, image);

    // 0.5 -+ 0.3 * 0.15, then whole steps: 116.025 and 138.975
    assertThat(image).containsExactly(116 / 255f, 138 / 255f, 102 / 255f, 102 / 255f);
  }

  @Test
  void brightnessShiftsTheValueInHsv() {
    float[] image = images()[0];
    float[] expected = images()[0];
    int plane = SHAPE.plane();
    for (int i = 0; i < plane; i++) {
      float[] hsb =
          Color.RGBtoHSB(
              Math.round(expected[i] * 255),
              Math.round(expected[i + plane] * 255),
              Math.round(expected[i + 2 * plane] * 255),
              null);
      Color brighter = new Color(Color.HSBtoRGB(hsb[0], hsb[1], Math.min(1, hsb[2] + 0.2f)));
      expected[i] = brighter.getRed() / 255f;
      expected[i + plane] = brighter.getGreen() / 255f;
      expected[i + 2 * plane] = brighter.getBlue() / 255f;
    }
    corrupter(Corruption.BRIGHTNESS, 4).corrupt(0, image);

    for (int i = 0; i < image.length; i++) {
      // Color rounds where the published sets cut off
      assertThat(image[i]).isCloseTo(expected[i], within(1.01f / 255));
    }
  }

  @Test
  void brightnessTurnsBlackGrey() {
    float[] black = grey(0);
    corrupter(Corruption.BRIGHTNESS, 4).corrupt(0, black);

    assertThat(black).containsOnly(51 / 255f);
  }

  @Test
  void saturateChangesTheSaturationInHsv() {
    float[] image = images()[0];
    float[] clean = images()[0];
    int plane = SHAPE.plane();
    corrupter(Corruption.SATURATE, 4).corrupt(0, image);

    for (int i = 0; i < plane; i++) {
      float[] before = hsb(clean, i, plane);
      float saturation = before[1] > 0 ? Math.min(1, 2 * before[1] + 0.1f) : 0.1f;
      int expected = Color.HSBtoRGB(before[0], saturation, before[2]);
      float[] rgb = new Color(expected).getRGBColorComponents(null);
      for (int channel = 0; channel < 3; channel++) {
        // Color rounds where the published sets cut off
        assertThat(image[channel * plane + i]).isCloseTo(rgb[channel], within(1.01f / 255));
      }
    }
  }

  private static float[] hsb(float[] chw, int pixel, int plane) {
    return Color.RGBtoHSB(
        Math.round(chw[pixel] * 255),
        Math.round(chw[pixel + plane] * 255),
        Math.round(chw[pixel + 2 * plane] * 255),
        null);
  }

  @Test
  void darknessTakesLightNotValue() {
    // sRGB 0.8 is 0.604 of the light; of that a tenth is left: 0.0604, or 0.2725 as a value
    double[] dark = moments(Corruption.DARKNESS, 4, 0.8f);
    double step = 1 / 255.0;
    assertThat(dark[0]).isCloseTo(0.2725 - step / 2, within(0.004));
    // 60.4 photons: the light's deviation is 1 / sqrt(60.4) of it, the curve's exponent 1 / 2.4
    assertThat(dark[1]).isCloseTo((0.2725 + 0.055) / 2.4 / Math.sqrt(60.4), within(0.002));
  }

  @Test
  void noiseWeighsMoreTheDarkerItIs() {
    double before = 0;
    for (int severity = 1; severity <= Shift.MAX_SEVERITY; severity++) {
      double[] dark = moments(Corruption.DARKNESS, severity, 0.8f);
      assertThat(dark[1] / dark[0]).isGreaterThan(before);
      before = dark[1] / dark[0];
    }
  }

  @Test
  void colourCastWarms() {
    float[] grey = grey(0.5f);
    corrupter(Corruption.COLOUR_CAST, 3).corrupt(0, grey);
    int plane = SHAPE.plane();

    // sRGB 0.5 is 0.2140 of the light; times 1.32, 1 and 0.62
    assertThat(grey[0]).isCloseTo(0.5681f, within(1.01f / 255));
    assertThat(grey[plane]).isCloseTo(0.5f, within(1.01f / 255));
    assertThat(grey[2 * plane]).isCloseTo(0.3998f, within(1.01f / 255));
  }

  @Test
  void waterGleamsAsInThePublishedRecipe() {
    // two drops; figures from OpenCV 5 on the same levels
    int[] levels = new int[16 * 16];
    for (int i = 0; i < levels.length; i++) {
      int y = i / 16;
      int x = i % 16;
      int round = 250 - 9 * ((x - 4) * (x - 4) + (y - 5) * (y - 5));
      int flat = 240 - 4 * ((x - 11) * (x - 11) + 2 * (y - 10) * (y - 10));
      int level = Math.max(round, flat);
      levels[i] = level < 176 ? 0 : level;
    }
    float[] gleam = new WaterEdges(16, 16).gleam(levels);

    assertThat(Arrays.copyOfRange(gleam, 7 * 16, 8 * 16))
        .containsExactly(0, 0, 19936, 24395, 23112, 12710, 9434, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assertThat(Arrays.copyOfRange(gleam, 10 * 16, 11 * 16))
        .containsExactly(0, 0, 0, 0, 0, 0, 0, 1584, 5508, 18592, 28556, 22560, 8732, 0, 0, 0);
  }

  @Test
  void mudCoversAndWaterAddsLight() {
    float[] black = grey(0);
    float[] white = grey(1);
    corrupter(Corruption.SPATTER, 3).corrupt(0, black);
    corrupter(Corruption.SPATTER, 5).corrupt(0, white);
    int plane = SHAPE.plane();

    // pale turquoise, at most half of it
    assertThat(black).contains((int) (0.5 * 238) / 255f).contains(0f);
    for (int i = 0; i < plane; i++) {
      assertThat(black[i]).isLessThanOrEqualTo(black[i + plane]);
      // brown
      assertThat(white[i]).isGreaterThanOrEqualTo(white[i + 2 * plane]);
    }
    assertThat(white).contains(1f);
    // where mud is, it covers at least 80 %
    assertThat(Arrays.copyOf(white, plane))
        .matches(red -> IntStream.range(0, plane).anyMatch(i -> red[i] < 1))
        .matches(
            red ->
                IntStream.range(0, plane)
                    .allMatch(i -> red[i] == 1 || red[i] <= 0.2f + 0.8f * 63 / 255));
  }

  @Test
  void pixelateAveragesAndRepeats() {
    // 4 pixels become int(4 * 0.65) = 2 and 4 again
    float[] image = {0, 10 / 255f, 20 / 255f, 31 / 255f};
    Corrupter.of(new Shift(Corruption.PIXELATE, 5), new ImageShape(1, 1, 4), 0).corrupt(0, image);

    assertThat(image).containsExactly(5 / 255f, 5 / 255f, 26 / 255f, 26 / 255f);
  }

  @Test
  void pixelateUsesPillowsBoxes() {
    // 32 to 20: boxes of 1.6 pixels hold one or two centres, figures from Pillow 12 on a ramp
    float[] image = new float[32];
    for (int i = 0; i < image.length; i++) {
      image[i] = i * 8 / 255f;
    }
    Corrupter.of(new Shift(Corruption.PIXELATE, 5), new ImageShape(1, 1, 32), 0).corrupt(0, image);

    int[] levels = new int[32];
    Arrays.setAll(levels, i -> Math.round(image[i] * 255));
    assertThat(levels)
        .containsExactly(
            4, 4, 16, 28, 28, 40, 52, 52, 68, 68, 80, 92, 92, 104, 116, 116, 132, 132, 144, 156,
            156, 168, 180, 180, 196, 196, 208, 220, 220, 232, 244, 244);
  }

  @Test
  void smallDiscsBlurBySofteningAlone() {
    double[][] kernel = DefocusBlur.kernel(new Disc(0.5, 0.6));

    double side = Math.exp(-1 / (2 * 0.6 * 0.6));
    double sum = 1 + 2 * side;
    assertThat(kernel[8][8]).isCloseTo(1 / (sum * sum), within(1e-12));
    assertThat(kernel[8][9]).isCloseTo(side / (sum * sum), within(1e-12));
    assertThat(kernel[7][7]).isCloseTo(side * side / (sum * sum), within(1e-12));
    assertThat(kernel[8][10]).isZero();
  }

  @Test
  void kernelsKeepTheMean() {
    // larger discs touch the kernel's border, where the published softening mirrors a little away
    for (Disc disc : List.of(new Disc(1, 0.2), new Disc(1.5, 0.1), new Disc(3, 0.1))) {
      double sum = Arrays.stream(DefocusBlur.kernel(disc)).flatMapToDouble(Arrays::stream).sum();
      assertThat(sum).isCloseTo(1, within(1e-9));
    }
  }

  @Test
  void defocusMirrorsAtTheBorder() {
    // severity 5 is a 3x3 box; the mirrored neighbour of the corner is the pixel beyond it
    ImageShape shape = new ImageShape(1, 3, 3);
    float[] image = {0.9f, 0, 0, 0, 0.9f, 0, 0, 0, 0};
    Corrupter.of(new Shift(Corruption.DEFOCUS_BLUR, 5), shape, 0).corrupt(0, image);

    assertThat(image[0]).isCloseTo(5 * 0.9f / 9, within(1f / 255));
    assertThat(image[4]).isCloseTo(2 * 0.9f / 9, within(1f / 255));
    assertThat(image[8]).isCloseTo(4 * 0.9f / 9, within(1f / 255));
  }

  @Test
  void fogSpansTheUnitRangeAndIsTheSameInAllChannels() {
    float[] cloud = Fog.plasma(32, 1.75, SeededRandom.of(3));
    assertThat(cloud).contains(0f, 1f);

    float[] image = grey(0.5f);
    corrupter(Corruption.FOG, 5).corrupt(0, image);
    int plane = SHAPE.plane();
    assertThat(Arrays.copyOfRange(image, plane, 2 * plane))
        .isEqualTo(Arrays.copyOfRange(image, 0, plane));
    // (0.5 + 1.5 cloud) * 0.5 / 2
    assertThat(image).contains(31 / 255f, 127 / 255f);
  }

  @ParameterizedTest
  @MethodSource("ofImages")
  void worksOnOtherShapes(Corruption corruption) {
    for (ImageShape shape :
        List.of(
            new ImageShape(1, 1, 1),
            new ImageShape(1, 28, 28),
            new ImageShape(2, 3, 5),
            new ImageShape(3, 200, 130))) {
      float[] image = new float[shape.size()];
      Arrays.fill(image, 0.5f);
      for (int severity : new int[] {1, 5}) {
        Corrupter.of(new Shift(corruption, severity), shape, 0).corrupt(0, image);
        for (float value : image) {
          assertThat(value).isBetween(0f, 1f);
        }
      }
    }
  }

  @Test
  void borders() {
    assertThat(IntStream.range(-5, 9).map(i -> Border.CLAMP.inside(i, 4)))
        .containsExactly(0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3);
    assertThat(IntStream.range(-5, 9).map(i -> Border.MIRROR.inside(i, 4)))
        .containsExactly(1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2);
    assertThat(IntStream.range(-5, 9).map(i -> Border.REFLECT.inside(i, 4)))
        .containsExactly(3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0);
  }

  @Test
  void gaussianKernelIsCutOffAndSumsToOne() {
    assertThat(GaussianBlur.kernel(0.05, 4)).containsExactly(1);
    double[] kernel = GaussianBlur.kernel(0.4, 4);
    assertThat(kernel).hasSize(5);
    assertThat(Arrays.stream(kernel).sum()).isCloseTo(1, within(1e-12));
    assertThat(kernel[3] / kernel[2]).isCloseTo(Math.exp(-1 / 0.32), within(1e-12));
  }

  @Test
  void motionDrawsAPointOutAlongItsTrail() {
    ImageShape shape = new ImageShape(1, 21, 21);
    float[] image = new float[shape.size()];
    image[10 * 21 + 10] = 1;
    Trail trail = new Trail(6, 2);
    // 0 degrees: what a pixel shows lies to its right, so the point spreads to the left
    new MotionBlur(shape, trail, 0, 0).apply(image, SeededRandom.of(0));

    float[] weights = MotionBlur.weights(trail);
    assertThat(weights).hasSize(13);
    for (int x = 0; x < 21; x++) {
      float expected = x <= 10 ? weights[10 - x] : 0;
      assertThat(image[10 * 21 + x]).isCloseTo(expected, within(0.501f / 255));
    }
    assertThat(image[9 * 21 + 10]).isZero();
  }

  @Test
  void zoomIsLinearBetweenTheCornersOfTheCrop() {
    // a crop of ceil(4 / 1.5) = 3 of 4 pixels becomes rint(4.5) = 4: places 0, 2/3, 4/3 and 2
    Magnification magnification = new Magnification(1, 4, 1.5);
    float[] sum = new float[4];
    magnification.addCentre(new float[] {0, 3, 9, 100}, sum, 0);

    assertThat(sum).usingComparatorWithPrecision(1e-5f).containsExactly(0, 2, 5, 9);
  }

  @Test
  void glassShowsOnlyPixelsNearby() {
    // severity 1 does not blur, it only copies neighbours: 0 and 1 keep their two columns apart
    ImageShape shape = new ImageShape(1, 32, 32);
    float[] image = new float[shape.size()];
    for (int i = 0; i < image.length; i++) {
      image[i] = i % 32 / 255f;
    }
    Corrupter.of(new Shift(Corruption.GLASS_BLUR, 1), shape, 1).corrupt(0, image);

    int moved = 0;
    for (int i = 0; i < image.length; i++) {
      int column = Math.round(image[i] * 255);
      // a copy of a copy comes from further to the right at most
      assertThat(column).isBetween(i % 32 - 1, i % 32);
      moved += column == i % 32 ? 0 : 1;
    }
    // of the 30 x 30 pixels that move, half take the column to their left
    assertThat(moved).isBetween(390, 510);
  }

  @Test
  void theMildestElasticTransformIsAffine() {
    // a plane stays one under an affine map, so second differences vanish inside
    ImageShape shape = new ImageShape(1, 32, 32);
    float[] image = new float[shape.size()];
    for (int i = 0; i < image.length; i++) {
      image[i] = (i % 32 + 2f * (i / 32)) / 128;
    }
    new ElasticTransform(shape, Severities.elasticTransform(shape, 1))
        .apply(image, SeededRandom.of(1));

    for (int y = 12; y < 20; y++) {
      for (int x = 12; x < 20; x++) {
        int i = y * 32 + x;
        assertThat(image[i - 1] - 2 * image[i] + image[i + 1]).isCloseTo(0, within(1e-5f));
        assertThat(image[i - 32] - 2 * image[i] + image[i + 32]).isCloseTo(0, within(1e-5f));
      }
    }
  }

  @Test
  void frostIsColouredWhereImagesAre() {
    float[] black = grey(0);
    corrupter(Corruption.FROST, 5).corrupt(0, black);
    int plane = SHAPE.plane();

    // all panes are bluish
    assertThat(black[2 * plane + 5]).isGreaterThan(black[5]);
  }

  @Test
  void listsTheCorruptions() {
    assertThat(Corruption.parseList("fog, none")).containsExactly(Corruption.FOG, Corruption.NONE);
    assertThat(Corruption.parseList("none,all"))
        .extracting(Corruption::id)
        .containsExactly(
            "none",
            "gaussian_noise",
            "shot_noise",
            "impulse_noise",
            "defocus_blur",
            "glass_blur",
            "motion_blur",
            "zoom_blur",
            "snow",
            "frost",
            "fog",
            "brightness",
            "contrast",
            "elastic_transform",
            "pixelate",
            "jpeg_compression");
    assertThatThrownBy(() -> Corruption.parseList("fog,haze"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "corruptions: expected any of none, gaussian_noise, shot_noise, impulse_noise,"
                + " defocus_blur, glass_blur, motion_blur, zoom_blur, snow, frost, fog, brightness,"
                + " contrast, elastic_transform, pixelate, jpeg_compression, speckle_noise,"
                + " gaussian_blur, spatter, saturate, darkness, colour_cast, blackout,"
                + " sensor_offset, sensor_gain, noise_floor, channel_dropout, sampling_jitter, all, all19,"
                + " found \"haze\"");
  }

  @Test
  void all19AreThoseAndFourMore() {
    assertThat(Corruption.parseList("all19"))
        .hasSize(19)
        .startsWith(Corruption.PUBLISHED.toArray(Corruption[]::new));
    assertThat(Corruption.EXTRA)
        .extracting(Corruption::id)
        .containsExactly("speckle_noise", "gaussian_blur", "spatter", "saturate");
  }

  @Test
  void refusesOtherSeverities() {
    assertThatThrownBy(() -> new Shift(Corruption.FOG, 5.5))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("severity: expected 0 to 5, found 5.5");
    assertThatThrownBy(() -> new Shift(Corruption.FOG, Double.NaN))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("severity: expected 0 to 5, found NaN");
    assertThatThrownBy(() -> Shift.all(List.of(Corruption.FOG), 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("severity: expected 1 to 5, found 0");
  }

  @Test
  void refusesToCorruptModelInputs() {
    ImageSet inputs =
        ImageSet.ofFloats(
            "features",
            new ImageShape(1, 1, 1),
            List.of("a"),
            new float[][] {{-2}},
            new int[] {0},
            Values.MODEL_INPUTS);

    assertThat(Corrupter.of(Shift.NONE, inputs, 0).shifts()).containsExactly(Shift.NONE);
    assertThatThrownBy(() -> Corrupter.of(new Shift(Corruption.FOG, 1), inputs, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "corruptions: fog is not defined on features, which holds model inputs"
                + " (float values outside [0, 1])");
  }

  private static Corrupter corrupter(Corruption corruption, int severity) {
    return Corrupter.of(new Shift(corruption, severity), SHAPE, 1);
  }

  private static int[] numbers() {
    return IntStream.range(0, IMAGES.size()).toArray();
  }

  private static float[][] images() {
    float[][] images = new float[IMAGES.size()][SHAPE.size()];
    for (int i = 0; i < images.length; i++) {
      IMAGES.read(i, images[i]);
    }
    return images;
  }

  private static float[] grey(float value) {
    float[] image = new float[SHAPE.size()];
    Arrays.fill(image, value);
    return image;
  }

  /** Mean and standard deviation of corrupted mid-grey. */
  private static double[] moments(Corruption corruption, int severity) {
    return moments(corruption, severity, 0.5f);
  }

  /** Likewise of another grey. */
  private static double[] moments(Corruption corruption, int severity, float value) {
    double sum = 0;
    double squares = 0;
    int images = 20;
    for (int i = 0; i < images; i++) {
      float[] image = grey(value);
      corrupter(corruption, severity).corrupt(i, image);
      for (float found : image) {
        sum += found;
        squares += found * found;
      }
    }
    double count = (double) images * SHAPE.size();
    double mean = sum / count;
    return new double[] {mean, Math.sqrt(squares / count - mean * mean)};
  }
}
