package dev.acclimate.models.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Backpropagation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BlockedModelTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final Dimension SAMPLES = Dimension.symbolic("batch");
  private static final double TOLERANCE = 1e-5;
  private static final int BATCH = 3;
  private static final int CHANNELS = 32;

  @BeforeEach
  void blocksAreUsedHere() {
    // other processors may have no kernels for blocks: then there is nothing to compile
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
  }

  /** Convolutions "h" and "g" {@code [batch, 32, *]} of the input, and numbers for channels. */
  private static OnnxModel start(long... places) {
    SplittableRandom random = new SplittableRandom(7);
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("start")
            .addInput(value("x", "batch", with(places, 3)))
            .addInput(value("perSample", "batch", with(all(1, places), CHANNELS)))
            .addInput(value("perChannel", "", with(all(1, places), CHANNELS)))
            .addInitializer(weights(random, "wh", with(all(1, places), CHANNELS, 3)))
            .addInitializer(weights(random, "wg", with(all(3, places), CHANNELS, CHANNELS)))
            .addNode(node("Conv", "h", "x", "wh"))
            .addNode(node("Conv", "g", "h", "wg").toBuilder().addAttribute(around(places)));
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build(),
        "start");
  }

  /** Pads of 1. */
  private static AttributeProto around(long... places) {
    return OperatorWriter.integers("pads", with(all(1, places), all(1, places)));
  }

  private static long[] all(long size, long... places) {
    return Arrays.stream(places).map(any -> size).toArray();
  }

  private static long[] with(long[] places, long... leading) {
    return LongStream.concat(Arrays.stream(leading), Arrays.stream(places)).toArray();
  }

  /** Weights that keep activations of the size that they have. */
  private static TensorProto weights(SplittableRandom random, String name, long... shape) {
    float spread =
        (float) Math.sqrt(1.0 / Arrays.stream(shape).skip(1).reduce(1, Math::multiplyExact));
    float[] values = normal(random, (int) Tensor.elements(shape));
    for (int i = 0; i < values.length; i++) {
      values[i] *= spread;
    }
    return Constants.tensor(values, shape).toBuilder().setName(name).build();
  }

  private static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static ValueInfoProto value(String name, String first, long... others) {
    List<Dimension> shape = new ArrayList<>();
    if (!first.isEmpty()) {
      shape.add(Dimension.symbolic(first));
    }
    for (long size : others) {
      shape.add(Dimension.fixed(size));
    }
    return GraphEditor.valueInfo(name, ElementType.FP32, shape);
  }

  /** A model of what is written behind the start; the tensors returned are its outputs. */
  private static OnnxModel model(long[] places, Function<OperatorWriter, List<String>> write) {
    GraphEditor editor = new GraphEditor(start(places));
    OperatorWriter ops = editor.writer("test/");
    List<String> outputs = write.apply(ops);
    for (int i = 0; i < outputs.size(); i++) {
      ops.alias("y" + i, outputs.get(i));
    }
    editor.append(ops.nodes());
    OnnxModel unfinished = editor.build();
    GraphEditor named = new GraphEditor(unfinished);
    List<String> names = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      names.add("y" + i);
    }
    unfinishedShapes(unfinished, names)
        .forEach((name, rank) -> named.addOutput(name, ElementType.FP32, unknown(rank)));
    return named.build();
  }

  private static Map<String, Integer> unfinishedShapes(OnnxModel model, List<String> names) {
    Map<String, Integer> ranks = new TreeMap<>();
    model
        .infer(names)
        .forEach(
            (name, info) -> {
              if (names.contains(name)) {
                ranks.put(name, info.rank());
              }
            });
    return ranks;
  }

  private static long[] unknown(int rank) {
    long[] sizes = new long[rank];
    Arrays.fill(sizes, -1);
    return sizes;
  }

  /** Compiles a model, and checks that it computes the same. */
  private static OnnxModel check(
      long height, long width, Function<OperatorWriter, List<String>> write) {
    return check(new long[] {height, width}, write);
  }

  private static OnnxModel check(long[] places, Function<OperatorWriter, List<String>> write) {
    return check(model(places, write), BATCH, places);
  }

  private static OnnxModel check(OnnxModel model, int batch, long... places) {
    check(model, inSlices(model, batch, 1, Double.MAX_VALUE), batch, places);
    OnnxModel compiled = BlockedModel.compile(model, SAMPLES, batch).orElseThrow();
    check(model, compiled, batch, places);
    return compiled;
  }

  private static void check(OnnxModel model, OnnxModel compiled, int batch, long... places) {
    SplittableRandom random = new SplittableRandom(1);
    Map<String, Tensor> feeds = new HashMap<>();
    feeds.put("x", tensor(random, with(places, batch, 3)));
    feeds.put("perSample", tensor(random, with(all(1, places), batch, CHANNELS)));
    feeds.put("perChannel", tensor(random, with(all(1, places), CHANNELS)));
    try (ModelSession plain = ModelSession.open(model, ONE_THREAD);
        ModelSession blocked = ModelSession.open(compiled, ONE_THREAD)) {
      Map<String, Tensor> expected = plain.run(feeds);
      Map<String, Tensor> found = blocked.run(feeds);
      assertThat(found.keySet()).isEqualTo(expected.keySet());
      expected.forEach(
          (name, tensor) -> {
            assertThat(found.get(name).shape()).as(name).isEqualTo(tensor.shape());
            assertThat(distance(found.get(name).toFloatArray(), tensor.toFloatArray()))
                .as(name)
                .isLessThanOrEqualTo(TOLERANCE);
          });
    }
  }

  private static double distance(float[] found, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < found.length; i++) {
      difference += Math.pow((double) found[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / Math.max(norm, 1e-30));
  }

  private static Tensor tensor(SplittableRandom random, long... shape) {
    return Tensor.of(normal(random, (int) Tensor.elements(shape)), shape);
  }

  private static float[] normal(SplittableRandom random, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static long count(OnnxModel compiled, String operator) {
    return compiled.graph().getNodeList().stream()
        .filter(node -> node.getOpType().equals(operator))
        .count();
  }

  // small, larger than a kernel, and a prime that cannot be factored
  @ParameterizedTest
  @CsvSource({"4, 5", "1, 1", "48, 50", "1, 1031"})
  void sumsOverPositions(int height, int width) {
    check(
        height,
        width,
        ops -> {
          String product = ops.mul("h", "g");
          return List.of(
              ops.globalAveragePool("h"),
              ops.globalAveragePool(ops.mul("g", "g")),
              ops.reduceMean("g", false, 2, 3),
              ops.reduceSum(product, true, 0, 2, 3),
              ops.reduceMean(ops.mul("g", "h"), false, 0, 2, 3),
              ops.reduceSum("g", false, 0, 2, 3));
        });
  }

  @Test
  void averagesWhatIsReadWhereConvolutionsWiden() {
    OnnxModel compiled =
        check(
            4,
            5,
            ops -> {
              TensorProto weights =
                  weights(new SplittableRandom(3), "w", 2 * CHANNELS, CHANNELS, 1, 1);
              String w = ops.constant(floats(weights), 2 * CHANNELS, CHANNELS, 1, 1);
              float[] bias = normal(new SplittableRandom(4), 2 * CHANNELS);
              String y = ops.emit("Conv", List.of("g", w, ops.constant(bias, 2 * CHANNELS)));
              return List.of(
                  ops.globalAveragePool(y),
                  ops.reduceSum(y, true, 0, 2, 3),
                  ops.globalAveragePool(ops.mul(y, y)));
            });

    assertThat(compiled.graph().getNodeList())
        .filteredOn(node -> node.getOpType().equals("Conv") && node.getDomain().isEmpty())
        .hasSize(2);
  }

  // as attributes of the convolution before, and alone where that is read by others too
  @ParameterizedTest
  @ValueSource(strings = {"Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid"})
  void appliesFunctions(String operator) {
    checkFunction(operator, ops -> ops.node(operator, ops.add("h", "g")), 0);
    checkFunction(operator, ops -> ops.mul("g", ops.node(operator, "g")), 1);
  }

  @Test
  void clips() {
    checkFunction("Clip", ops -> ops.node("Clip", "g", ops.constant(-0.3f), ops.constant(0.4f)), 0);
    checkFunction("Clip", ops -> ops.node("Clip", "g", "", ops.constant(0.4f)), 0);
    checkFunction("Clip", ops -> ops.node("Clip", "g", ops.constant(-0.3f)), 0);
    checkFunction(
        "Clip",
        ops -> ops.node("Clip", "g", ops.constant(-0.3f), ops.reduceMax("perChannel", 0, 1, 2)),
        1);
  }

  private static void checkFunction(
      String operator, Function<OperatorWriter, String> write, int alone) {
    OnnxModel compiled = check(4, 5, ops -> List.of(ops.globalAveragePool(write.apply(ops))));

    assertThat(count(compiled, operator)).as(operator).isEqualTo(alone);
  }

  @Test
  void foldsScaleOffsetAdditionAndReluIntoOneConvolution() {
    OnnxModel compiled =
        check(
            4,
            5,
            ops -> {
              String scaled = ops.add(ops.mul("h", "perSample"), "perSample");
              String second = ops.relu(ops.add(ops.mul("g", "perChannel"), scaled));
              return List.of(ops.globalAveragePool(second));
            });

    for (String operator : List.of("Mul", "Add", "Relu", "ReorderInput", "ReorderOutput")) {
      assertThat(count(compiled, operator)).as(operator).isZero();
    }
  }

  @Test
  void normalizes() {
    OnnxModel compiled =
        check(
            4,
            5,
            ops -> {
              String mean = ops.reduceMean("h", false, 0, 2, 3);
              String variance = ops.reduceMean(ops.mul("h", "h"), false, 0, 2, 3);
              String gamma = ops.reshape("perChannel", CHANNELS);
              String normalized =
                  ops.emit("BatchNormalization", List.of("h", gamma, mean, mean, variance));
              return List.of(ops.relu(ops.add(normalized, "g")), normalized);
            });

    assertThat(count(compiled, "BatchNormalization")).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1, 0",
    "3, 1, 1, 1, 1",
    "3, 2, 1, 1, 1",
    "3, 1, 2, 1, 2",
    "3, 1, 1, 32, 1",
    "3, 1, 1, 2, 1",
    "5, 2, 1, 4, 2"
  })
  void convolves(int kernel, int stride, int dilation, int groups, int pad) {
    check(
        9,
        8,
        ops -> {
          SplittableRandom random = new SplittableRandom(3);
          long[] shape = {CHANNELS, CHANNELS / groups, kernel, kernel};
          TensorProto weights = weights(random, "w", shape);
          String constant = ops.constant(floats(weights), shape);
          String changing = ops.mul(constant, ops.reduceMean("perChannel", true, 0, 1, 2));
          List<String> results = new ArrayList<>();
          for (String w : List.of(constant, ops.reshape(changing, shape))) {
            results.add(
                ops.emit(
                    "Conv",
                    List.of("g", w, ops.constant(new float[CHANNELS], CHANNELS)),
                    OperatorWriter.integer("group", groups),
                    OperatorWriter.integers("strides", stride, stride),
                    OperatorWriter.integers("dilations", dilation, dilation),
                    OperatorWriter.integers("pads", pad, pad, pad, pad)));
          }
          return results;
        });
  }

  // the last two with samples that are no whole block, and with more products than places
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 0, 8",
    "3, 1, 1, 1, 8",
    "3, 2, 1, 1, 8",
    "3, 1, 2, 2, 8",
    "5, 2, 1, 2, 16",
    "3, 1, 1, 0, 8",
    "4, 1, 1, 1, 8",
    "1, 2, 1, 0, 8",
    "3, 1, 1, 1, 3",
    "3, 3, 1, 1, 13"
  })
  void correlatesForGradientsOfWeights(int kernel, int stride, int dilation, int pad, int batch) {
    long height = 9;
    long width = 8;
    SplittableRandom random = new SplittableRandom(3);
    GraphEditor forward = new GraphEditor(start(height, width).withSize(SAMPLES, batch));
    String w = forward.constant("w", weights(random, "w", 2 * CHANNELS, CHANNELS, kernel, kernel));
    OperatorWriter ops = forward.writer("test/");
    String y =
        ops.emit(
            "Conv",
            List.of(ops.relu("g"), w),
            OperatorWriter.integers("strides", stride, stride),
            OperatorWriter.integers("dilations", dilation, dilation),
            OperatorWriter.integers("pads", pad, pad, pad, pad));
    String loss = ops.reduceSum(ops.mul(ops.mul(y, y), y), false, 0, 1, 2, 3);
    forward.append(ops.nodes());
    forward.addOutput(loss, ElementType.FP32);
    GraphEditor backward = new GraphEditor(forward.build());
    String gradient =
        Backpropagation.append(backward, loss, List.of(w), Backpropagation.Normalization.FROZEN)
            .gradients()
            .get(w);
    backward.addOutput(gradient, ElementType.FP32, 2 * CHANNELS, CHANNELS, kernel, kernel);

    OnnxModel compiled = check(backward.build(), batch, height, width);

    // one group a sample, or one a few of them: never in plain order
    assertThat(compiled.graph().getNodeList())
        .filteredOn(node -> node.getOpType().equals("Conv"))
        .allMatch(node -> node.getDomain().equals(BlockedOperators.DOMAIN));
  }

  // the last ones with phases that no element of the kernel or no zeros belong to
  @ParameterizedTest
  @CsvSource({
    "3, 2, 1, 0, true",
    "2, 2, 0, 0, true",
    "4, 2, 1, 1, true",
    "3, 1, 1, 1, true",
    "5, 3, 1, 1, true",
    "1, 2, 0, 0, false",
    "3, 2, 0, 0, false",
    "4, 2, 4, 4, false"
  })
  void convolvesTransposed(int kernel, int stride, int before, int after, boolean inPhases) {
    OnnxModel compiled =
        check(
            6,
            7,
            ops -> {
              long[] shape = {CHANNELS, 16, kernel, kernel};
              String w = ops.constant(floats(weights(new SplittableRandom(3), "w", shape)), shape);
              return List.of(
                  ops.emit(
                      "ConvTranspose",
                      List.of("g", w),
                      OperatorWriter.integers("strides", stride, stride),
                      OperatorWriter.integers("pads", before, before, after, after)));
            });

    assertThat(count(compiled, "ConvTranspose")).isEqualTo(inPhases ? 0 : 1);
  }

  @ParameterizedTest
  @CsvSource({"3, 2, 1, 1", "4, 2, 1, 1", "5, 1, 2, 2", "3, 2, 0, 1"})
  void convolvesEachChannelTransposed(int kernel, int stride, int before, int after) {
    OnnxModel compiled =
        check(
            6,
            7,
            ops -> {
              long[] shape = {CHANNELS, 1, kernel, kernel};
              int more = Math.floorMod(before + after - kernel, stride);
              String w = ops.constant(floats(weights(new SplittableRandom(3), "w", shape)), shape);
              return List.of(
                  ops.emit(
                      "ConvTranspose",
                      List.of("g", w),
                      OperatorWriter.integer("group", CHANNELS),
                      OperatorWriter.integers("strides", stride, stride),
                      // so that the result is a whole number of strides
                      OperatorWriter.integers("output_padding", more, more),
                      OperatorWriter.integers("pads", before, before, after, after)));
            });

    assertThat(count(compiled, "ConvTranspose")).isEqualTo(0);
  }

  @Test
  void leavesTransposedConvolutionsWhosePadsFollowFromTheirOutput() {
    OnnxModel compiled =
        check(
            6,
            7,
            ops -> {
              long[] shape = {CHANNELS, 16, 4, 4};
              String w = ops.constant(floats(weights(new SplittableRandom(3), "w", shape)), shape);
              return List.of(
                  ops.emit(
                      "ConvTranspose",
                      List.of("g", w),
                      OperatorWriter.integers("strides", 2, 2),
                      OperatorWriter.integers("output_shape", 12, 14)));
            });

    assertThat(count(compiled, "ConvTranspose")).isEqualTo(1);
  }

  // rows of kernels reach into the image before, where zeros lie or not; the sum is over samples,
  // over channels, or not asked for
  @ParameterizedTest
  @CsvSource({"0, 0", "2, 0", "2, 1", "2, -1"})
  void correlatesOnlyWhereThatIsTheSame(int zeros, int sum) {
    GraphEditor editor = new GraphEditor(start(6, 5).withSize(SAMPLES, 8));
    OperatorWriter ops = editor.writer("test/");
    int height = 6 + zeros;
    String images = zeros == 0 ? "h" : ops.pad("h", 0, 0, 0, 0, 0, 0, zeros, 0);
    String y =
        ops.emit(
            "Conv",
            List.of(
                ops.reshape(images, 1, 8, CHANNELS * height, 5),
                ops.reshape("h", 8 * CHANNELS, 1, 6, 5)),
            OperatorWriter.integer("group", 8),
            OperatorWriter.integers("strides", height, 1),
            OperatorWriter.integers("pads", 2, 0, 0, 0));
    String result = ops.reshape(y, 8, CHANNELS, CHANNELS, 1);
    ops.alias("y", sum < 0 ? y : ops.reduceSum(result, true, sum));
    editor.append(ops.nodes());
    editor.addOutput("y", ElementType.FP32, unknown(4));

    OnnxModel compiled = check(editor.build(), 8, 6, 5);

    assertThat(compiled.graph().getNodeList())
        .filteredOn(node -> node.getOpType().equals("MatMul"))
        .hasSize(zeros > 0 && sum == 0 ? 1 : 0);
  }

  private static float[] floats(TensorProto tensor) {
    GraphProto graph = GraphProto.newBuilder().addInitializer(tensor).build();
    return new Constants(graph).real(tensor.getName()).orElseThrow().toFloatArray();
  }

  @Test
  void poolsCutsPadsAndJoins() {
    OnnxModel compiled =
        check(
            8,
            6,
            ops -> {
              String pooled =
                  ops.emit(
                      "MaxPool",
                      List.of("h"),
                      OperatorWriter.integers("kernel_shape", 2, 2),
                      OperatorWriter.integers("strides", 2, 2));
              String averaged =
                  ops.emit(
                      "AveragePool",
                      List.of("g"),
                      OperatorWriter.integers("kernel_shape", 3, 3),
                      OperatorWriter.integers("pads", 1, 1, 1, 1),
                      OperatorWriter.integers("strides", 2, 2));
              String joined = ops.concat(1, List.of(pooled, averaged));
              String cut =
                  ops.slice(
                      "g",
                      new long[] {2, -1},
                      new long[] {0, 1},
                      new long[] {100, 100},
                      new long[] {2, 2});
              String padded = ops.pad(cut, 0, 16, 1, 0, 0, 16, 0, 1);
              return List.of(
                  ops.globalAveragePool(joined), ops.globalAveragePool(padded), joined, padded);
            });

    assertThat(count(compiled, "ReorderInput")).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 2, 0, 3, 0, false",
    "0, 2, 0, 3, 0, true",
    "0, 3, 1, 2, 1, false",
    "0, 1, 1, 1, 1, false",
    "7, -1, 0, 2, 1, false"
  })
  void thinsOutDownAndAcross(
      int top, int down, int left, int across, int slices, boolean readBetween) {
    OnnxModel compiled =
        check(
            8,
            7,
            ops -> {
              long[] below = {down < 0 ? -100 : 100};
              String rows =
                  ops.slice("h", new long[] {2}, new long[] {top}, below, new long[] {down});
              String both =
                  ops.slice(
                      rows,
                      new long[] {-1},
                      new long[] {left},
                      new long[] {100},
                      new long[] {across});
              return readBetween ? List.of(both, ops.relu(rows)) : List.of(ops.relu(both));
            });

    assertThat(count(compiled, "Slice")).isEqualTo(slices);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sumsOverSamplesToo(boolean keep) {
    OnnxModel compiled =
        check(
            6,
            5,
            ops -> {
              String means = ops.globalAveragePool("h");
              String rows = ops.reduceMean("g", false, 2, 3);
              return List.of(
                  ops.reduceMean(means, keep, 0, 2, 3),
                  ops.reduceMean(rows, keep, 0),
                  ops.reduceSum("g", keep, 0, 2, 3),
                  ops.reduceMean(ops.mul("h", "h"), keep, 0, 2, 3),
                  ops.reduceMean(rows, keep, 0, 1),
                  means);
            });

    assertThat(count(compiled, "ReduceMean")).isEqualTo(1);
    assertThat(count(compiled, "ReduceSum")).isZero();
  }

  /** What comes next is drawn: whoever reads what, nothing may be overwritten too early. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void computesTheSameHoweverOperatorsFollowOneAnother(int seed) {
    long[] image = {5, 4};
    check(image, ops -> drawn(ops, new SplittableRandom(seed), image));
    long[] series = {9};
    check(series, ops -> drawn(ops, new SplittableRandom(seed), series));
  }

  private static List<String> drawn(OperatorWriter ops, SplittableRandom random, long... places) {
    List<String> activations = new ArrayList<>(List.of("h", "g"));
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      String a = activations.get(random.nextInt(activations.size()));
      String b = activations.get(random.nextInt(activations.size()));
      String channel = random.nextBoolean() ? "perSample" : "perChannel";
      String next =
          switch (random.nextInt(13)) {
            case 0 -> ops.add(a, b);
            case 1 -> ops.sub(a, b);
            case 2 -> ops.mul(ops.node("Tanh", a), b);
            case 3 -> ops.mul(a, channel);
            case 4 -> ops.add(channel, a);
            case 5 -> ops.add(ops.mul(channel, a), channel);
            case 6 -> ops.sub(a, channel);
            case 7 -> ops.relu(a);
            case 8 -> ops.sub(b, ops.mul(a, channel));
            case 9 -> ops.relu(ops.add(ops.add(ops.mul(a, channel), "perSample"), b));
            case 10 -> ops.mul(a, ops.constant(0.5f));
            case 11 -> ops.node("Sigmoid", ops.node("Transpose", ops.node("Transpose", a)));
            default -> ops.emit("Conv", List.of(a, "wg"), around(places));
          };
      // bounded, so that a difference is not drowned by what grew large
      String small = ops.mul(next, ops.constant(0.5f));
      activations.add(random.nextInt(3) == 0 ? ops.node("Tanh", small) : small);
      if (random.nextInt(4) == 0) {
        outputs.add(ops.globalAveragePool(ops.mul(a, b)));
      }
      if (random.nextInt(6) == 0) {
        outputs.add(small);
      }
    }
    outputs.add(activations.get(activations.size() - 1));
    return outputs;
  }

  private static AttributeProto pads(long... pads) {
    return OperatorWriter.integers("pads", pads);
  }

  private static AttributeProto strides(long... strides) {
    return OperatorWriter.integers("strides", strides);
  }

  @Test
  void convolvesAndPoolsSeries() {
    OnnxModel compiled =
        check(
            new long[] {12},
            ops -> {
              SplittableRandom random = new SplittableRandom(3);
              long[] four = {CHANNELS, CHANNELS, 4};
              String w = ops.constant(floats(weights(random, "w", four)), four);
              long[] single = {CHANNELS, 1, 5};
              String d = ops.constant(floats(weights(random, "d", single)), single);
              String bias = ops.constant(normal(random, CHANNELS), CHANNELS);
              return List.of(
                  ops.emit("Conv", List.of("g", w, bias), strides(2), pads(2, 1)),
                  ops.emit(
                      "Conv", List.of("g", w), OperatorWriter.integers("dilations", 2), pads(0, 3)),
                  ops.emit(
                      "Conv",
                      List.of("g", d),
                      OperatorWriter.integer("group", CHANNELS),
                      pads(2, 2)),
                  ops.emit("ConvTranspose", List.of("g", w), strides(2), pads(1, 1)),
                  ops.emit(
                      "ConvTranspose",
                      List.of("g", w),
                      strides(2),
                      OperatorWriter.integers("output_padding", 1)),
                  ops.emit(
                      "ConvTranspose",
                      List.of("g", w),
                      strides(2),
                      OperatorWriter.integers("output_shape", 24)),
                  ops.emit(
                      "MaxPool",
                      List.of("h"),
                      OperatorWriter.integers("kernel_shape", 3),
                      strides(2),
                      pads(1, 0)),
                  ops.emit(
                      "AveragePool",
                      List.of("g"),
                      OperatorWriter.integers("kernel_shape", 3),
                      pads(1, 1)));
            });

    assertThat(compiled.graph().getNodeList())
        .filteredOn(node -> node.getOpType().matches("Conv|MaxPool|AveragePool"))
        .allMatch(node -> node.getDomain().equals(BlockedOperators.DOMAIN));
  }

  @Test
  void cutsPadsJoinsAndReducesSeries() {
    OnnxModel compiled =
        check(
            new long[] {10},
            ops -> {
              String cut =
                  ops.slice("g", new long[] {-1}, new long[] {1}, new long[] {9}, new long[] {2});
              String padded = ops.pad(cut, 0, 0, 1, 0, 0, 5);
              String joined = ops.concat(1, List.of("h", padded));
              String longer = ops.concat(-1, List.of("h", ops.mul("g", "g")));
              return List.of(
                  padded,
                  joined,
                  ops.globalAveragePool(joined),
                  longer,
                  ops.reduceMean(longer, true, 2),
                  ops.reduceMean(joined, false, -1),
                  ops.reduceSum(joined, false, 0, 2),
                  ops.reduceSum("g", false, 0),
                  ops.reduceMean("g", true, 1),
                  ops.reduceMean(ops.mul("g", "h"), false, 0, 1, 2),
                  ops.reshape("h", BATCH, 10 * CHANNELS),
                  ops.relu(ops.reshape("g", BATCH, CHANNELS / 2, 20)),
                  ops.node("Flatten", ops.globalAveragePool("g")));
            });

    assertThat(count(compiled, "GlobalAveragePool")).isZero();
  }

  @Test
  void leavesToOthersWhatIsNotForRows() {
    OnnxModel compiled =
        check(
            new long[] {10},
            ops -> {
              String turned = ops.transpose("g", 0, 2, 1);
              String attention = ops.matMul("g", turned);
              String more = ops.add("h", ops.reshape("perSample", BATCH, 1, CHANNELS, 1));
              String row = ops.constant(normal(new SplittableRandom(3), 10), 10);
              return List.of(
                  ops.relu(attention),
                  ops.relu(turned),
                  more,
                  ops.mul(ops.add("g", row), "h"),
                  ops.mul("h", "perChannel"),
                  ops.reduceSum("perChannel", false, 0, 1));
            });

    assertThat(count(compiled, "MatMul")).isEqualTo(1);
  }

  @Test
  void takesBatchesInSlices() {
    OnnxModel model =
        model(
            new long[] {6, 4},
            ops -> {
              String x = ops.relu(ops.mul("g", "perSample"));
              String moments =
                  ops.add(ops.globalAveragePool(ops.mul(x, x)), ops.globalAveragePool(x));
              String scaled = ops.mul(x, ops.reduceMean(moments, true, 0));
              String gate = ops.node("Sigmoid", ops.globalAveragePool(scaled));
              return List.of(ops.globalAveragePool(ops.add(ops.mul(scaled, gate), "h")));
            });
    OnnxModel whole = check(model, 5, 6, 4);

    long convolutions = count(whole, "Conv");
    assertThat(count(inSlices(model, 5, 1, 0), "Conv")).isGreaterThan(3 * convolutions);
    long all = 5L * CHANNELS * 6 * 4 * Float.BYTES;
    assertThat(count(inSlices(model, 5, all / 2, 0), "Conv"))
        .isBetween(convolutions + 1, 2 * convolutions);
    assertThat(count(inSlices(model, 5, all, 0), "Conv")).isEqualTo(convolutions);
  }

  private static OnnxModel inSlices(OnnxModel model, int batch, long bytes, double mostJoined) {
    BatchSlices.Worth worth = new BatchSlices.Worth(bytes, mostJoined);
    return BlockedModel.compile(model, SAMPLES, batch, worth).orElseThrow();
  }

  @Test
  void leavesBatchesWholeWhereTooMuchIsAskedForAsAWhole() {
    OnnxModel model = model(new long[] {6, 4}, ops -> List.of(ops.relu("g")));

    long convolutions = count(BlockedModel.compile(model, SAMPLES, 4).orElseThrow(), "Conv");
    assertThat(count(inSlices(model, 4, 1, 0.3), "Conv")).isEqualTo(convolutions);
    assertThat(count(inSlices(model, 4, 1, 0.4), "Conv")).isGreaterThan(convolutions);
  }

  @Test
  void takesBatchesOfItsSizeAlone() {
    OnnxModel compiled = check(4, 5, ops -> List.of(ops.relu("h")));

    assertThat(compiled.inputs().get(0).shapeText()).isEqualTo("[3, 3, 4, 5]");
  }

  @Test
  void asksForANameOfTheSamplesAxis() {
    OnnxModel model = model(new long[] {4, 5}, ops -> List.of(ops.relu("h")));

    assertThat(BlockedModel.compile(model, Dimension.symbolic(""), BATCH)).isEmpty();
    assertThat(BlockedModel.compile(model, Dimension.fixed(BATCH + 1), BATCH)).isEmpty();
  }
}
