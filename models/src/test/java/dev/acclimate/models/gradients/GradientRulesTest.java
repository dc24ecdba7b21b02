package dev.acclimate.models.gradients;

import static dev.acclimate.models.OperatorWriter.integer;
import static dev.acclimate.models.OperatorWriter.integers;
import static dev.acclimate.models.OperatorWriter.number;

import ai.onnx.proto.OnnxMl.AttributeProto;
import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Every rule but those of windows and normalizations, over random shapes. */
class GradientRulesTest {

  private static AttributeProto text(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  private static int[] shape(Random random, int rank) {
    return random.ints(rank, 1, 5).toArray();
  }

  private static PlainArray any(Random random) {
    return PlainArray.random(random, shape(random, 1 + random.nextInt(4)));
  }

  private static PlainArray positive(Random random, int... shape) {
    return PlainArray.random(random, shape).map(v -> (float) (0.3 + v * v));
  }

  private static OperatorCheck unary(String operator, Random random) {
    return new OperatorCheck(random, operator)
        .input("x", any(random))
        .fixedShapes(random.nextBoolean());
  }

  @Property(tries = 10, seed = "1")
  void functionsOfOneNumber(@ForAll long seed) {
    Random random = new Random(seed);
    for (String operator :
        new String[] {
          "Identity", "Neg", "Exp", "Sigmoid", "Tanh", "Softplus", "Erf", "Relu", "Abs", "HardSwish"
        }) {
      unary(operator, random).gradientsMatch("x");
    }
  }

  @Property(tries = 10, seed = "1")
  void functionsOfOnePositiveNumber(@ForAll long seed) {
    Random random = new Random(seed);
    for (String operator : new String[] {"Log", "Sqrt", "Reciprocal"}) {
      new OperatorCheck(random, operator)
          .input("x", positive(random, shape(random, 2)))
          .gradientsMatch("x");
    }
  }

  @Property(tries = 10, seed = "1")
  void activationsWithSettings(@ForAll long seed) {
    Random random = new Random(seed);
    unary("LeakyRelu", random).gradientsMatch("x");
    unary("LeakyRelu", random).attribute(number("alpha", 0.3f)).gradientsMatch("x");
    unary("Elu", random).attribute(number("alpha", 1.5f)).gradientsMatch("x");
    unary("HardSigmoid", random).gradientsMatch("x");
    unary("HardSigmoid", random)
        .attribute(number("alpha", 0.4f))
        .attribute(number("beta", 0.3f))
        .gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void gelu(@ForAll long seed) {
    Random random = new Random(seed);
    unary("Gelu", random).opset(20).gradientsMatch("x");
    unary("Gelu", random).opset(20).attribute(text("approximate", "tanh")).gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void parametricRelu(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "PRelu")
        .input("x", PlainArray.random(random, 2, 3, 2, 2))
        .input("slope", PlainArray.random(random, random.nextBoolean() ? 3 : 1, 1, 1))
        .gradientsMatch("x", "slope");
  }

  @Property(tries = 10, seed = "1")
  void clip(@ForAll long seed) {
    Random random = new Random(seed);
    unary("Clip", random)
        .input("low", PlainArray.scalar(-0.5))
        .input("high", PlainArray.scalar(0.7))
        .gradientsMatch("x", "low", "high");
    unary("Clip", random)
        .reuse("")
        .input("high", PlainArray.scalar(0.25))
        .gradientsMatch("x", "high");
    unary("Clip", random).opset(11).input("low", PlainArray.scalar(0)).gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void castAndDropoutInInference(@ForAll long seed) {
    Random random = new Random(seed);
    unary("Cast", random).attribute(integer("to", 1)).gradientsMatch("x");
    unary("Dropout", random).gradientsMatch("x");
    unary("Dropout", random).opset(11).attribute(number("ratio", 0.3f)).gradientsMatch("x");
  }

  /** A shape that broadcasts with another. */
  private static int[] narrower(Random random, int... wide) {
    int lead = random.nextInt(wide.length + 1);
    return Arrays.stream(wide, lead, wide.length)
        .map(s -> random.nextInt(3) == 0 ? 1 : s)
        .toArray();
  }

  @Property(tries = 40, seed = "1")
  void arithmeticWithBroadcasting(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] wide = shape(random, 1 + random.nextInt(4));
    for (String operator : new String[] {"Add", "Sub", "Mul", "Max", "Min", "Sum"}) {
      new OperatorCheck(random, operator)
          .input("a", PlainArray.random(random, narrower(random, wide)))
          .input("x", PlainArray.random(random, wide))
          .fixedShapes(fixed)
          .gradientsMatch("a", "x");
    }
    new OperatorCheck(random, "Div")
        .input("a", PlainArray.random(random, narrower(random, wide)))
        .input("x", positive(random, wide))
        .fixedShapes(fixed)
        .gradientsMatch("a", "x");
    new OperatorCheck(random, "Div")
        .input("x", PlainArray.random(random, wide))
        .input("a", positive(random, narrower(random, wide)))
        .fixedShapes(fixed)
        .gradientsMatch("a", "x");
  }

  @Property(tries = 20, seed = "1")
  void broadcastingOverSizesThatOnlyTheRunKnows(@ForAll long seed) {
    Random random = new Random(seed);
    int[] wide = shape(random, 1 + random.nextInt(3));
    for (String operator : new String[] {"Add", "Mul"}) {
      new OperatorCheck(random, operator)
          .input("x1", PlainArray.random(random, narrower(random, wide)))
          .input("x2", PlainArray.random(random, wide))
          .fixedShapes(true)
          .unknownShapes()
          .gradientsMatch("x1", "x2");
    }
  }

  @Property(tries = 5, seed = "1")
  void extremaOfManyTensors(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "Max")
        .input("x", PlainArray.random(random, 3, 4))
        .input("a", PlainArray.random(random, 4))
        .input("b", PlainArray.random(random, 3, 1))
        .gradientsMatch("x", "a", "b");
    new OperatorCheck(random, "Min").input("x", any(random)).gradientsMatch("x");
  }

  @Property(tries = 5, seed = "1")
  void productAndSumOfATensorWithItself(@ForAll long seed) {
    Random random = new Random(seed);
    for (String operator : new String[] {"Mul", "Add", "Sub", "Max"}) {
      unary(operator, random).reuse("x").gradientsMatch("x");
    }
  }

  @Property(tries = 10, seed = "1")
  void pow(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "Pow")
        .input("x", positive(random, 3, 4))
        .input("exponent", PlainArray.random(random, narrower(random, 3, 4)))
        .gradientsMatch("x", "exponent");
    for (int exponent = 0; exponent < 4; exponent++) {
      unary("Pow", random).constant("exponent", new PlainArray(), exponent).gradientsMatch("x");
    }
  }

  @Property(tries = 10, seed = "1")
  void where(@ForAll long seed) {
    Random random = new Random(seed);
    int[] wide = shape(random, 3);
    PlainArray condition =
        PlainArray.random(random, narrower(random, wide)).map(v -> v > 0 ? 1 : 0);
    new OperatorCheck(random, "Where")
        .truths("condition", condition)
        .input("x", PlainArray.random(random, wide))
        .input("a", PlainArray.random(random, narrower(random, wide)))
        .gradientsMatch("x", "a");
  }

  @Property(tries = 30, seed = "1")
  void gemm(
      @ForAll long seed,
      @ForAll boolean transA,
      @ForAll boolean transB,
      @ForAll @IntRange(min = 0, max = 2) int biasRank) {
    Random random = new Random(seed);
    int m = 1 + random.nextInt(4);
    int k = 1 + random.nextInt(4);
    int n = 1 + random.nextInt(4);
    int[] bias = {m, n};
    new OperatorCheck(random, "Gemm")
        .input("a", transA ? PlainArray.random(random, k, m) : PlainArray.random(random, m, k))
        .input("b", transB ? PlainArray.random(random, n, k) : PlainArray.random(random, k, n))
        .input("c", PlainArray.random(random, Arrays.copyOfRange(bias, 2 - biasRank, 2)))
        .attribute(integer("transA", transA ? 1 : 0))
        .attribute(integer("transB", transB ? 1 : 0))
        .attribute(number("alpha", 0.5f))
        .attribute(number("beta", 1.5f))
        .gradientsMatch("a", "b", "c");
  }

  private static int[] join(int[] batch, int... matrix) {
    int[] shape = Arrays.copyOf(batch, batch.length + matrix.length);
    System.arraycopy(matrix, 0, shape, batch.length, matrix.length);
    return shape;
  }

  @Property(tries = 40, seed = "1")
  void matMul(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int m = 1 + random.nextInt(4);
    int k = 1 + random.nextInt(4);
    int n = 1 + random.nextInt(4);
    int[] batch = shape(random, random.nextInt(3));
    int[] ofA = random.nextInt(4) == 0 ? new int[] {k} : join(batch, m, k);
    int[] ofB =
        random.nextInt(4) == 0
            ? new int[] {k}
            : join(random.nextBoolean() ? narrower(random, batch0(batch)) : new int[0], k, n);
    new OperatorCheck(random, "MatMul")
        .input("x", PlainArray.random(random, ofA))
        .input("b", PlainArray.random(random, ofB))
        .fixedShapes(fixed)
        .gradientsMatch("x", "b");
  }

  /** At least one axis. */
  private static int[] batch0(int[] batch) {
    return batch.length == 0 ? new int[] {1} : batch;
  }

  @Property(tries = 30, seed = "1")
  void reductions(@ForAll long seed, @ForAll boolean keepDims, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] shape = shape(random, 1 + random.nextInt(4));
    int[] axes = random.ints(0, shape.length).limit(3).distinct().toArray();
    if (random.nextBoolean()) {
      axes[0] -= shape.length; // from the end
    }
    AttributeProto keep = integer("keepdims", keepDims ? 1 : 0);
    for (String operator :
        new String[] {"ReduceSum", "ReduceMean", "ReduceL2", "ReduceMax", "ReduceMin"}) {
      OperatorCheck byAttribute =
          new OperatorCheck(random, operator)
              .opset(12)
              .input("x", PlainArray.random(random, shape))
              .fixedShapes(fixed)
              .attribute(keep);
      if (random.nextInt(4) > 0) {
        byAttribute.attribute(integers("axes", Arrays.stream(axes).asLongStream().toArray()));
      }
      byAttribute.gradientsMatch("x");
      new OperatorCheck(random, operator)
          .opset(18)
          .input("x", PlainArray.random(random, shape))
          .constant("axes", random.nextInt(4) == 0 ? new int[0] : axes)
          .fixedShapes(fixed)
          .attribute(keep)
          .attribute(integer("noop_with_empty_axes", random.nextInt(2)))
          .gradientsMatch("x");
    }
  }

  @Property(tries = 10, seed = "1")
  void globalAveragePool(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "GlobalAveragePool")
        .input("x", PlainArray.random(random, shape(random, 3 + random.nextInt(2))))
        .fixedShapes(fixed)
        .gradientsMatch("x");
  }

  @Property(tries = 20, seed = "1")
  void softmaxOverAnAxisOrBeforeOpset13AllThatFollow(@ForAll long seed, @ForAll boolean old) {
    Random random = new Random(seed);
    int[] shape = shape(random, 2 + random.nextInt(2));
    for (String operator : new String[] {"Softmax", "LogSoftmax"}) {
      new OperatorCheck(random, operator)
          .opset(old ? 12 : 13)
          .input("x", PlainArray.random(random, shape))
          .attribute(
              integer("axis", random.nextInt(shape.length) - (random.nextInt(2) * shape.length)))
          .gradientsMatch("x");
      new OperatorCheck(random, operator)
          .opset(old ? 11 : 17)
          .input("x", PlainArray.random(random, shape))
          .gradientsMatch("x");
    }
  }

  @Property(tries = 20, seed = "1")
  void reshapes(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] shape = shape(random, 4);
    new OperatorCheck(random, "Reshape")
        .input("x", PlainArray.random(random, shape))
        .constant("shape", 0, -1, shape[3])
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Flatten")
        .input("x", PlainArray.random(random, shape))
        .attribute(integer("axis", random.nextInt(4)))
        .fixedShapes(fixed)
        .gradientsMatch("x");
    PlainArray thin = PlainArray.random(random, shape[0], 1, shape[1], 1);
    new OperatorCheck(random, "Squeeze")
        .opset(11)
        .input("x", thin)
        .attribute(integers("axes", 1, -1))
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Squeeze")
        .input("x", thin)
        .constant("axes", -1)
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Unsqueeze")
        .opset(11)
        .input("x", thin)
        .attribute(integers("axes", 0, 2))
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Unsqueeze")
        .input("x", thin)
        .constant("axes", -1, 1)
        .fixedShapes(fixed)
        .gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void reshapesOfShapesThatOnlyTheRunKnows(@ForAll long seed) {
    Random random = new Random(seed);
    int[] shape = shape(random, 3);
    new OperatorCheck(random, "Reshape")
        .input("x", PlainArray.random(random, shape))
        .constant("shape", -1, 1)
        .unknownShapes()
        .gradientsMatch("x");
    new OperatorCheck(random, "ReduceMean")
        .input("x", PlainArray.random(random, shape))
        .attribute(integers("axes", 0, 2))
        .unknownShapes()
        .gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void transpose(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "Transpose")
        .input("x", PlainArray.random(random, shape(random, 4)))
        .attribute(integers("perm", 2, 0, 3, 1))
        .gradientsMatch("x");
    unary("Transpose", random).gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void expand(@ForAll long seed) {
    Random random = new Random(seed);
    int[] wide = shape(random, 3);
    new OperatorCheck(random, "Expand")
        .input("a", PlainArray.random(random, narrower(random, wide)))
        .constant("shape", wide)
        .gradientsMatch("a");
  }

  @Property(tries = 20, seed = "1")
  void concat(@ForAll long seed, @ForAll boolean unknown) {
    Random random = new Random(seed);
    int[] shape = shape(random, 3);
    int axis = random.nextInt(3);
    OperatorCheck check = new OperatorCheck(random, "Concat");
    for (int i = 0; i < 3; i++) {
      shape[axis] = 1 + random.nextInt(3);
      check.input("x" + i, PlainArray.random(random, shape.clone()));
    }
    check.attribute(integer("axis", axis - 3 * random.nextInt(2))).fixedShapes(true);
    if (unknown) {
      check.unknownShapes();
    }
    check.gradientsMatch("x0", "x2");
  }

  @Property(tries = 20, seed = "1")
  void split(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int axis = random.nextInt(3);
    int[] shape = shape(random, 3);
    shape[axis] = 6;
    int first = 1 + random.nextInt(3);
    new OperatorCheck(random, "Split")
        .input("x", PlainArray.random(random, shape))
        .constant("sizes", first, 2, 4 - first)
        .attribute(integer("axis", axis))
        .outputs("y", "z", "last")
        .leavingOut(random.nextBoolean() ? "z" : "")
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Split")
        .opset(12)
        .input("x", PlainArray.random(random, shape))
        .attribute(integer("axis", axis - 3))
        .outputs("y", "z")
        .fixedShapes(fixed)
        .gradientsMatch("x");
  }

  @Property(tries = 40, seed = "1")
  void slice(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] shape = {3 + random.nextInt(4), 2, 3 + random.nextInt(4)};
    OperatorCheck check =
        new OperatorCheck(random, "Slice")
            .input("x", PlainArray.random(random, shape))
            .fixedShapes(fixed);
    switch (random.nextInt(4)) {
      case 0 -> check.constant("starts", 1, 0).constant("ends", -1, Integer.MAX_VALUE);
      case 1 -> check.constant("starts", -3).constant("ends", 100).constant("axes", 2);
      case 2 ->
          check
              .constant("starts", 1, 0)
              .constant("ends", 100, 2)
              .constant("axes", random.nextBoolean() ? new int[] {-1, 0} : new int[] {0, 2})
              .constant("steps", 2, 1 + random.nextInt(3));
      default ->
          check
              .constant("starts", -1)
              .constant("ends", -100)
              .constant("axes", 2)
              .constant("steps", -1 - random.nextInt(2));
    }
    check.gradientsMatch("x");
  }

  @Property(tries = 20, seed = "1")
  void padWithZerosAndNegativePads(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] pads = random.ints(6, -1, 3).toArray();
    new OperatorCheck(random, "Pad")
        .opset(random.nextBoolean() ? 11 : 18)
        .input("x", PlainArray.random(random, 3, 4, 3))
        .constant("pads", pads)
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Pad")
        .opset(18)
        .input("x", PlainArray.random(random, 3, 4, 3))
        .constant("pads", 1, 0, 2, 1)
        .input("value", PlainArray.scalar(0.5))
        .constant("axes", 0, 2)
        .gradientsMatch("x");
  }

  @Property(tries = 30, seed = "1")
  void gather(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] shape = shape(random, 3);
    int axis = random.nextInt(3);
    int size = shape[axis];
    AttributeProto along = integer("axis", axis - 3 * random.nextInt(2));
    new OperatorCheck(random, "Gather")
        .input("x", PlainArray.random(random, shape))
        .indices(
            "indices",
            PlainArray.random(random, shape(random, random.nextInt(3)))
                .map(v -> Math.abs(v) * 100 % (2 * size) - size)
                .map(Math::floor))
        .attribute(along)
        .fixedShapes(fixed)
        .gradientsMatch("x");
    new OperatorCheck(random, "Gather")
        .opset(11)
        .input("x", PlainArray.random(random, shape))
        .constant("indices", new PlainArray(), random.nextInt(size))
        .attribute(along)
        .fixedShapes(fixed)
        .gradientsMatch("x");
  }
}
