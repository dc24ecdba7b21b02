package dev.acclimate.simulate.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * How pixels become model inputs: {@code (pixel * scale - mean) / std} per channel, with pixels 0
 * to 255, in the model's layout. Measurements become {@code (x - mean) / std}.
 *
 * <p>Read from a small YAML file beside the model ({@code resnet20.yaml} beside {@code
 * resnet20.onnx}); each key may be left out, but {@code mean} and {@code std} come together:
 *
 * <pre>{@code
 * mean: [0.485, 0.456, 0.406]   # or one number for all channels
 * std: [0.229, 0.224, 0.225]
 * scale: 0.00392156862745098    # 1/255; of pixels only
 * layout: NCHW                  # or NHWC; for time series also NCW, NWC
 * classes: [airplane, automobile]
 * }</pre>
 *
 * @param scale factor on 0..255 pixels
 * @param mean subtracted, per channel
 * @param std divided by, per channel, not zero
 * @param layout order of the values in the model's input
 * @param classes class names by label; empty where the data set's own names apply
 */
public record Preprocessing(
    double scale, List<Double> mean, List<Double> std, Layout layout, List<String> classes) {

  /** Pixels 0..255 to 0..1. */
  public static final double DEFAULT_SCALE = 1 / 255.0;

  /** Channel means of ImageNet, which most published RGB models are trained with. */
  public static final List<Double> IMAGENET_MEAN = List.of(0.485, 0.456, 0.406);

  /** Channel standard deviations of ImageNet. */
  public static final List<Double> IMAGENET_STD = List.of(0.229, 0.224, 0.225);

  private static final Set<String> KEYS =
      new TreeSet<>(Set.of("scale", "mean", "std", "layout", "classes"));

  /**
   * Checks that the statistics fit together.
   *
   * @throws InvalidInputException if mean and std differ in length, or scale or a std is zero or
   *     not finite
   */
  public Preprocessing {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    classes = List.copyOf(classes);
    if (mean.size() != std.size()) {
      throw new InvalidInputException(
          "preprocessing: expected as many values of mean as of std, found %s and %s"
              .formatted(mean, std));
    }
    if (scale == 0 || !Double.isFinite(scale)) {
      throw new InvalidInputException(
          "preprocessing: expected a finite scale other than 0, found " + scale);
    }
    if (!mean.stream().allMatch(Double::isFinite)) {
      throw new InvalidInputException("preprocessing: expected finite means, found " + mean);
    }
    if (!std.stream().allMatch(value -> Double.isFinite(value) && value > 0)) {
      throw new InvalidInputException("preprocessing: expected std above 0, found " + std);
    }
  }

  /**
   * What applies where a model says nothing: the ImageNet statistics for three channels, mean 0 and
   * std 1 for any other number.
   */
  public static Preprocessing defaults(int channels) {
    return new Preprocessing(
        DEFAULT_SCALE,
        channels == 3 ? IMAGENET_MEAN : Collections.nCopies(channels, 0.0),
        channels == 3 ? IMAGENET_STD : Collections.nCopies(channels, 1.0),
        Layout.NCHW,
        List.of());
  }

  /** What changes nothing: mean 0 and std 1. */
  public static Preprocessing identity(int channels) {
    return defaults(channels)
        .withStatistics(Collections.nCopies(channels, 0.0), Collections.nCopies(channels, 1.0));
  }

  /**
   * Reads the YAML file beside a model. What it leaves out, or where there is none, {@link
   * #defaults} apply to pixels and {@link #identity} to anything else.
   *
   * @param model the ONNX file; its ending is replaced by {@code .yaml}
   * @param images what the model is given
   * @throws InvalidInputException if the file has an unknown key, a value of the wrong kind, or not
   *     one value of mean and std for each of the images' channels
   */
  public static Preprocessing forModel(Path model, ImageSet images) {
    Path file = besides(model);
    Preprocessing byDefault =
        images.values() == Values.PIXELS
            ? defaults(images.channels())
            : identity(images.channels());
    return Files.isRegularFile(file) ? read(file, byDefault) : byDefault;
  }

  /** The YAML file that belongs to a model. */
  public static Path besides(Path model) {
    String name = String.valueOf(model.getFileName());
    int dot = name.lastIndexOf('.');
    return model.resolveSibling((dot <= 0 ? name : name.substring(0, dot)) + ".yaml");
  }

  /**
   * Reads one YAML file.
   *
   * @param byDefault stands for what the file leaves out; has as many channels as the file must
   * @throws InvalidInputException as {@link #forModel}
   */
  public static Preprocessing read(Path file, Preprocessing byDefault) {
    try {
      return parse(Files.readString(file), file, byDefault);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Reads the text of a YAML file.
   *
   * @param file what messages call it
   * @param byDefault as in {@link #read}
   * @throws InvalidInputException as {@link #forModel}
   */
  public static Preprocessing parse(String yaml, Path file, Preprocessing byDefault) {
    JsonNode root;
    try {
      root = new YAMLMapper().readTree(yaml);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + ": no YAML: " + e.getOriginalMessage(), e);
    }
    if (root.isMissingNode() || root.isNull()) {
      return byDefault;
    }
    if (!root.isObject()) {
      throw wrong(file, "(top level)", "keys out of " + KEYS, root);
    }
    for (Iterator<String> names = root.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!KEYS.contains(name)) {
        throw new InvalidInputException(
            "%s: unknown key \"%s\": expected keys out of %s".formatted(file, name, KEYS));
      }
    }
    if (root.has("mean") != root.has("std")) {
      throw new InvalidInputException(
          "%s: expected mean and std together, found %s alone"
              .formatted(file, root.has("mean") ? "mean" : "std"));
    }
    JsonNode scale = root.path("scale");
    if (!scale.isMissingNode() && !scale.isNumber()) {
      throw wrong(file, "scale", "a number", scale);
    }
    int channels = byDefault.mean().size();
    try {
      return new Preprocessing(
          scale.isMissingNode() ? byDefault.scale() : scale.asDouble(),
          root.has("mean") ? numbers(file, "mean", root.path("mean"), channels) : byDefault.mean(),
          root.has("std") ? numbers(file, "std", root.path("std"), channels) : byDefault.std(),
          layout(file, root.path("layout")),
          names(file, root.path("classes")));
    } catch (InvalidInputException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(file.toString())
          ? e
          : new InvalidInputException(file + ": " + message, e);
    }
  }

  private static List<Double> numbers(Path file, String key, JsonNode node, int channels) {
    if (node.isNumber()) {
      return Collections.nCopies(channels, node.asDouble());
    }
    String expected = "%d numbers, one a channel (or one for all)".formatted(channels);
    List<Double> values = new ArrayList<>();
    for (JsonNode value : node) {
      if (!value.isNumber()) {
        throw wrong(file, key, expected, node);
      }
      values.add(value.asDouble());
    }
    if (!node.isArray() || values.size() != channels) {
      throw wrong(file, key, expected, node);
    }
    return values;
  }

  private static Layout layout(Path file, JsonNode node) {
    if (node.isMissingNode()) {
      return Layout.NCHW;
    }
    return switch (node.asText().toUpperCase(Locale.ROOT)) {
      case "NCHW", "NCW" -> Layout.NCHW;
      case "NHWC", "NWC" -> Layout.NHWC;
      default -> throw wrong(file, "layout", "NCHW or NHWC", node);
    };
  }

  private static List<String> names(Path file, JsonNode node) {
    if (node.isMissingNode()) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    for (JsonNode name : node) {
      names.add(name.asText());
    }
    if (!node.isArray() || names.isEmpty()) {
      throw wrong(file, "classes", "a list of names", node);
    }
    return names;
  }

  private static InvalidInputException wrong(
      Path file, String key, String expected, JsonNode found) {
    return new InvalidInputException(
        "%s: %s: expected %s, found %s".formatted(file, key, expected, found));
  }

  /**
   * Reads the value of a flag such as {@code --mean 0.485,0.456,0.406}.
   *
   * @param flag its name, for the message
   * @throws InvalidInputException if a part is no number
   */
  public static List<Double> parseNumbers(String flag, String text) {
    List<Double> values = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      try {
        values.add(Double.valueOf(part.strip()));
      } catch (NumberFormatException e) {
        throw new InvalidInputException(
            "%s: expected numbers separated by commas, found \"%s\"".formatted(flag, text), e);
      }
    }
    return values;
  }

  /** The same with other statistics. */
  public Preprocessing withStatistics(List<Double> newMean, List<Double> newStd) {
    return new Preprocessing(scale, newMean, newStd, layout, classes);
  }

  /** The same with another factor on 0..255 pixels. */
  public Preprocessing withScale(double newScale) {
    return new Preprocessing(newScale, mean, std, layout, classes);
  }

  /** The same in another layout. */
  public Preprocessing withLayout(Layout newLayout) {
    return new Preprocessing(scale, mean, std, newLayout, classes);
  }

  /**
   * What to apply to {@code images}: this, or only its layout where the values are model inputs
   * already.
   *
   * @throws InvalidInputException if mean and std have not one value a channel, or there is a scale
   *     and the values are measurements
   */
  public Preprocessing on(ImageSet images) {
    if (images.values() == Values.MODEL_INPUTS) {
      Preprocessing identity = identity(images.channels());
      return new Preprocessing(DEFAULT_SCALE, identity.mean(), identity.std(), layout, classes);
    }
    if (mean.size() != images.channels()) {
      throw new InvalidInputException(
          "preprocessing: expected %d values of mean and std, one a channel of %s %s, found %d"
              .formatted(images.channels(), images.name(), images.shape(), mean.size()));
    }
    if (images.values() == Values.PIXELS) {
      return this;
    }
    if (scale != DEFAULT_SCALE && scale != 1) {
      throw new InvalidInputException(
          "preprocessing: expected no scale, which is for pixels, or 1, since %s holds measurements, found %s"
              .formatted(images.name(), scale));
    }
    return withScale(DEFAULT_SCALE);
  }

  /**
   * Writes one image where the model reads it. Allocates nothing and leaves the buffer's position
   * alone, so that threads may write different images of a batch at once.
   *
   * @param chw values as {@link ImageSet#read} gives them, {@code [C, H, W]}
   * @param out the batch
   * @param offset where in {@code out} the image starts, in floats
   */
  public void write(float[] chw, ImageShape shape, FloatBuffer out, int offset) {
    int plane = shape.plane();
    int channels = shape.channels();
    for (int channel = 0; channel < channels; channel++) {
      double divisor = std.get(channel);
      // pixels come divided by 255, measurements as they are and with the default scale
      float gain = (float) (255 * scale / divisor);
      float bias = (float) (-mean.get(channel) / divisor);
      int from = channel * plane;
      int to = layout == Layout.NCHW ? offset + from : offset + channel;
      int step = layout == Layout.NCHW ? 1 : channels;
      for (int pixel = 0; pixel < plane; pixel++) {
        out.put(to + pixel * step, chw[from + pixel] * gain + bias);
      }
    }
  }
}
