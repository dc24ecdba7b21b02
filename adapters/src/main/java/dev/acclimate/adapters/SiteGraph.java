package dev.acclimate.adapters;

import dev.acclimate.adapters.Concatenations.Part;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The subgraph that takes one site's place: statistics of its input, its state, and the
 * normalization itself. Methods are written in terms of matrices {@code [B, C]} and {@code [K, C]}.
 *
 * <p>The input is centred on the source mean first, mostly for free in the bias of the convolution
 * before it. Variances are then taken as {@code E[x^2] - E[x]^2}, which needs no second pass over
 * the activations: around the source mean, the mean of shifted data is of the order of a few
 * standard deviations, so the subtraction loses a digit or two at most. {@code centred} in a name
 * below means: minus the source mean.
 *
 * <p>Of an input that is a concatenation the parts are measured, each once for all sites that read
 * it, and it is not centred itself: what that would save in rounding, its own numbers have lost.
 */
public final class SiteGraph {
  private final GraphEditor editor;
  private final NormalizationSite site;
  private final OperatorWriter ops;
  private final ModelGraph model;
  private final List<String> states;
  private final List<String> nextStates = new ArrayList<>();

  /** The site's input, centred where that costs nothing beside what is measured of it. */
  private final String x;

  private @Nullable String gamma;
  private @Nullable String beta;
  private final List<InstanceMoments> parts;
  private final float[] shift;
  private final boolean centred;
  private @Nullable String instanceMean;
  private @Nullable String instanceSquare;

  /**
   * @param parts that the site's input is concatenated from
   * @param model what this site has in common with the others
   * @param states this site's state tensors
   */
  SiteGraph(
      GraphEditor editor,
      NormalizationSite site,
      List<Part> parts,
      ModelGraph model,
      List<String> states) {
    this.editor = editor;
    this.site = site;
    this.model = model;
    this.states = states;
    this.ops = editor.writer(site.name() + "/adapt/");
    this.parts = measured(parts);
    this.shift = shift(this.parts, site.mean());
    this.centred = parts.size() == 1 && !isShifted();
    this.x = centred ? this.parts.get(0).centred() : site.input();
  }

  private List<InstanceMoments> measured(List<Part> inputs) {
    if (editor.subtractInConvolution(site.input(), site.nodeIndex(), site.mean())) {
      return List.of(new InstanceMoments(site.input(), site.mean()));
    }
    List<InstanceMoments> measured = new ArrayList<>();
    int from = 0;
    for (Part input : inputs) {
      int to = from + input.channels();
      float[] centre = Arrays.copyOfRange(site.mean(), from, to);
      double[] deviation =
          IntStream.range(from, to)
              .mapToDouble(c -> Math.sqrt(site.variance()[c] + site.epsilon()))
              .toArray();
      Supplier<String> subtract =
          () -> ops.sub(input.tensor(), ops.constant(centre, channelShape(centre.length)));
      measured.add(
          site.isSpatial()
              ? model.moments(input.tensor(), centre, deviation, subtract)
              : new InstanceMoments(subtract.get(), centre));
      from = to;
    }
    return measured;
  }

  /** What the parts are centred on, less {@code mean}. */
  private static float[] shift(List<InstanceMoments> parts, float[] mean) {
    float[] shift = new float[mean.length];
    int c = 0;
    for (InstanceMoments part : parts) {
      for (float centre : part.centre()) {
        shift[c] = centre - mean[c];
        c++;
      }
    }
    return shift;
  }

  private boolean isShifted() {
    for (float difference : shift) {
      if (difference != 0) {
        return true;
      }
    }
    return false;
  }

  NormalizationSite site() {
    return site;
  }

  OperatorWriter ops() {
    return ops;
  }

  ModelGraph model() {
    return model;
  }

  int channels() {
    return site.channels();
  }

  private long[] channelShape(int channels) {
    long[] shape = new long[site.rank()];
    Arrays.fill(shape, 1);
    shape[1] = channels;
    return shape;
  }

  /** A constant vector {@code [C]}; against a matrix {@code [n, C]} it stands for every row. */
  String vector(float[] perChannel) {
    return ops.constant(perChannel, site.channels());
  }

  /** The site's source mean {@code [C]}. */
  String sourceMean() {
    return vector(site.mean());
  }

  /** The site's source variance {@code [C]}. */
  String sourceVariance() {
    return vector(site.variance());
  }

  /** Takes scale and offset {@code [C]} from tensors in place of the model's constants. */
  void scaleAndOffset(String newGamma, String newBeta) {
    gamma = newGamma;
    beta = newBeta;
  }

  private String gamma() {
    return gamma == null ? vector(site.gamma()) : gamma;
  }

  private String beta() {
    return beta == null ? vector(site.beta()) : beta;
  }

  /** A state of this site as it was before the batch. */
  String state(int kind) {
    return states.get(kind);
  }

  /** The states after the batch, in the order of the method's kinds. */
  void setNextStates(String... next) {
    nextStates.addAll(List.of(next));
  }

  List<String> nextStates() {
    return nextStates;
  }

  /**
   * Mean (centred) and biased variance.
   *
   * @param mean {@code [B, C]} of instances, {@code [C]} of the batch
   * @param variance of the same shape, at least 0
   */
  record Moments(String mean, String variance) {}

  /** Mean of each instance over its positions, centred, {@code [B, C]}. */
  String instanceMeans() {
    String mean = instanceMean;
    if (mean == null) {
      mean = site.isSpatial() ? joined(InstanceMoments::mean) : x;
      if (isShifted()) {
        mean = ops.add(mean, vector(shift));
      }
      instanceMean = mean;
    }
    return mean;
  }

  /** Mean square of each instance over its positions, {@code [B, C]}. */
  private String instanceSquares() {
    String square = instanceSquare;
    if (square == null) {
      square = joined(InstanceMoments::square);
      if (isShifted()) { // E[(z + d)^2] = E[z^2] + d (2 E[z + d] - d)
        String twice = ops.add(instanceMeans(), instanceMeans());
        String more = ops.mul(vector(shift), ops.sub(twice, vector(shift)));
        square = ops.add(square, more);
      }
      instanceSquare = square;
    }
    return square;
  }

  private String joined(BiFunction<InstanceMoments, OperatorWriter, String> moment) {
    List<String> all = parts.stream().map(part -> moment.apply(part, ops)).toList();
    return all.size() == 1 ? all.get(0) : ops.concat(1, all);
  }

  /** Statistics of each instance over its positions; the site must be spatial. */
  Moments instanceMoments() {
    return new Moments(instanceMeans(), variance(instanceMeans(), instanceSquares()));
  }

  /** Statistics of the batch over instances and positions. */
  Moments batchMoments() {
    if (!site.isSpatial()) {
      // so little data that a second pass is free, and with one instance no digit may be lost
      String meanOfAll = meanOfRows(x);
      String difference = ops.sub(x, meanOfAll);
      return new Moments(meanOfAll, meanOfRows(ops.mul(difference, difference)));
    }
    String batchMean = meanOfRows(instanceMeans());
    return new Moments(batchMean, variance(batchMean, meanOfRows(instanceSquares())));
  }

  /**
   * Statistics of the batch, its instances weighted: {@code mu = sum_b w_b m_b} and {@code sum_b
   * w_b mean_*((x_b - mu)^2)}, the means taken as they are, not centred, where weights do not add
   * up to 1.
   *
   * @param weights {@code [1, B]}
   * @param sum of the weights, {@code [1]}; null where it is 1
   */
  Moments weightedMoments(String weights, @Nullable String sum) {
    String weighted = weightedSum(weights, instanceMeans());
    String weightedMean = weighted;
    if (sum != null) {
      String surplus = ops.sub(sum, ops.constant(1f));
      weightedMean = ops.add(weighted, ops.mul(surplus, sourceMean()));
    }
    if (!site.isSpatial()) {
      String difference = ops.sub(x, weightedMean);
      return new Moments(weightedMean, weightedSum(weights, ops.mul(difference, difference)));
    }
    String weightedSquare = weightedSum(weights, instanceSquares());
    if (sum == null) {
      return new Moments(weightedMean, variance(weightedMean, weightedSquare));
    }
    // sum_b w_b (q_b - 2 m_b mu + mu^2)
    String twice = ops.sub(ops.add(weighted, weighted), ops.mul(sum, weightedMean));
    String variance = ops.sub(weightedSquare, ops.mul(weightedMean, twice));
    return new Moments(weightedMean, ops.max(variance, ops.constant(0f)));
  }

  private String weightedSum(String weights, String matrix) {
    return ops.reshape(ops.matMul(weights, matrix), channels());
  }

  /**
   * True where the first axis is that of the samples which tasks belong to: it has the same size or
   * symbol, or neither has any.
   */
  boolean isPerSample() {
    return site.shape().dimensions().get(0).equals(model.samples());
  }

  private long[] allButChannels() {
    return LongStream.range(0, site.rank()).filter(axis -> axis != 1).toArray();
  }

  /** Variance from the first two moments, at least 0: rounding can take it below. */
  private String variance(String first, String second) {
    return ops.max(ops.sub(second, ops.mul(first, first)), ops.constant(0f));
  }

  /** Mean over the rows of a matrix: {@code [n, C]} to {@code [C]}. */
  String meanOfRows(String matrix) {
    return ops.reduceMean(matrix, false, 0);
  }

  /** {@code a * x + b * y} with constants. */
  String blend(float a, String x, float b, String y) {
    return ops.add(ops.mul(x, ops.constant(a)), ops.mul(y, ops.constant(b)));
  }

  /** {@code a * constant vector + b * y}, the first product taken here in double precision. */
  String blend(double a, float[] perChannel, double b, String y) {
    float[] scaled = new float[perChannel.length];
    for (int c = 0; c < scaled.length; c++) {
      scaled[c] = (float) (a * perChannel[c]);
    }
    return ops.add(vector(scaled), ops.mul(y, ops.constant((float) b)));
  }

  /** The number of instances B as float32 {@code [1]}. */
  String batchSize() {
    // the shape of the activations would tell as well, but ONNX Runtime reorders them to be asked
    return sharedPerBatch(
        "batch-size", () -> ops.castToFloat(ops.gather(ops.shape(instanceMeans()), 0)));
  }

  /** Values per channel in the batch, B times S, as float32 {@code [1]}. */
  String valuesPerChannel() {
    List<Dimension> sizes = site.shape().dimensions().subList(2, site.rank());
    if (sizes.stream().allMatch(Dimension::isFixed)) {
      long positions = sizes.stream().mapToLong(Dimension::size).reduce(1, Math::multiplyExact);
      return sharedPerBatch(
          "values-of-" + positions, () -> ops.mul(batchSize(), ops.constant((float) positions)));
    }
    return ops.reduceProd(ops.castToFloat(ops.gather(ops.shape(x), allButChannels())), true, 0);
  }

  /** Sites share what depends on the batch alone where their batch axis is known to be the same. */
  private String batchKey() {
    Dimension batch = site.shape().dimensions().get(0);
    return batch.isFixed() || !batch.symbol().isEmpty() ? batch.toString() : site.name();
  }

  /** A tensor that is the same at every site with this batch axis. */
  String sharedPerBatch(String what, Supplier<String> write) {
    return model.shared(what + "/" + batchKey(), write);
  }

  /**
   * Normalizes all instances alike.
   *
   * @param mean centred, {@code [C]}
   * @param variance {@code [C]}
   */
  void normalizeBatch(String mean, String variance) {
    if (!site.isSpatial()) {
      String scaled = ops.mul(ops.sub(x, mean), scale(variance));
      ops.emitTo(site.output(), "Add", List.of(scaled, beta()));
      return;
    }
    // one pass over the activations, where separate products and sums would take two
    List<String> inputs = List.of(x, gamma(), beta(), meanOfInput(mean), variance);
    ops.emitTo(
        site.output(),
        "BatchNormalization",
        inputs,
        OperatorWriter.number("epsilon", site.epsilon()));
  }

  /**
   * Normalizes each instance with statistics of its own.
   *
   * @param mean centred, {@code [B, C]}
   * @param variance {@code [B, C]}
   */
  void normalizeInstances(String mean, String variance) {
    String scale = scale(variance);
    ops.emitTo(
        site.output(),
        "Add",
        List.of(ops.mul(x, perInstance(scale)), perInstance(offset(meanOfInput(mean), scale))));
  }

  /** What is subtracted from {@link #x}: the mean as it is where that is not centred. */
  private String meanOfInput(String mean) {
    return centred ? mean : ops.add(mean, sourceMean());
  }

  private String scale(String variance) {
    return ops.div(gamma(), ops.sqrt(ops.add(variance, ops.constant(site.epsilon()))));
  }

  private String offset(String mean, String scale) {
    return ops.sub(beta(), ops.mul(mean, scale));
  }

  private String perInstance(String matrix) {
    long[] shape = new long[site.rank()];
    Arrays.fill(shape, 1);
    shape[0] = 0;
    shape[1] = site.channels();
    return site.isSpatial() ? ops.reshape(matrix, shape) : matrix;
  }

  /** Puts the subgraph into the site's place. */
  void finish() {
    editor.replace(site.nodeIndex(), ops.nodes());
  }
}
