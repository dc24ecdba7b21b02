package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Runs ONNX graphs in double precision, slowly and plainly: what gradients are checked against by
 * differences, which float32 has too few digits for, and ONNX Runtime no double-precision kernels.
 */
final class PlainGraph {
  private final GraphProto graph;
  private final long opset;
  private final Map<String, PlainArray> constants = new HashMap<>();

  PlainGraph(GraphProto graph, long opset) {
    this.graph = graph;
    this.opset = opset;
    graph.getInitializerList().forEach(t -> constants.put(t.getName(), PlainArray.of(t)));
  }

  /** All tensors of the graph; what is fed takes the place of initializers. */
  Map<String, PlainArray> run(Map<String, PlainArray> feeds) {
    Map<String, PlainArray> tensors = new HashMap<>(constants);
    tensors.putAll(feeds);
    for (NodeProto node : graph.getNodeList()) {
      List<PlainArray> results = new Operator(node, tensors).run();
      for (int i = 0; i < Math.min(results.size(), node.getOutputCount()); i++) {
        tensors.put(node.getOutput(i), results.get(i));
      }
    }
    return tensors;
  }

  PlainArray constant(String name) {
    return Objects.requireNonNull(constants.get(name), name);
  }

  /** One node and what it reads. */
  private final class Operator {
    private final NodeProto node;
    private final Map<String, PlainArray> tensors;

    Operator(NodeProto node, Map<String, PlainArray> tensors) {
      this.node = node;
      this.tensors = tensors;
    }

    private PlainArray in(int index) {
      String name = node.getInput(index);
      return Objects.requireNonNull(tensors.get(name), name);
    }

    private boolean has(int index) {
      return index < node.getInputCount() && !node.getInput(index).isEmpty();
    }

    private PlainArray in(int index, double byDefault) {
      return has(index) ? in(index) : PlainArray.scalar(byDefault);
    }

    private AttributeProto attribute(String name) {
      return node.getAttributeList().stream()
          .filter(a -> a.getName().equals(name))
          .findFirst()
          .orElse(AttributeProto.getDefaultInstance());
    }

    private boolean hasAttribute(String name) {
      return attribute(name).getType() != AttributeProto.AttributeType.UNDEFINED;
    }

    private int integer(String name, int byDefault) {
      return hasAttribute(name) ? (int) attribute(name).getI() : byDefault;
    }

    private double number(String name, double byDefault) {
      return hasAttribute(name) ? attribute(name).getF() : byDefault;
    }

    private String text(String name, String byDefault) {
      return hasAttribute(name) ? attribute(name).getS().toStringUtf8() : byDefault;
    }

    private int[] integers(String name, int... byDefault) {
      return hasAttribute(name)
          ? attribute(name).getIntsList().stream().mapToInt(Math::toIntExact).toArray()
          : byDefault;
    }

    private int axis(int byDefault, int rank) {
      int axis = integer("axis", byDefault);
      return axis < 0 ? axis + rank : axis;
    }

    List<PlainArray> run() {
      return switch (node.getOpType()) {
        case "Split" -> split();
        case "BatchNormalization" -> batchNormalization();
        default -> List.of(result());
      };
    }

    private PlainArray result() {
      return switch (node.getOpType()) {
        case "Identity", "Dropout" -> in(0);
        case "Constant" -> PlainArray.of(attribute("value").getT());
        case "Cast" -> cast();
        case "Shape" -> PlainArray.vector(Arrays.stream(in(0).shape()).asDoubleStream().toArray());

        case "Abs" -> in(0).map(Math::abs);
        case "Neg" -> in(0).map(v -> -v);
        case "Exp" -> in(0).map(Math::exp);
        case "Log" -> in(0).map(Math::log);
        case "Sqrt" -> in(0).map(Math::sqrt);
        case "Reciprocal" -> in(0).map(v -> 1 / v);
        case "Relu" -> in(0).map(v -> Math.max(v, 0));
        case "LeakyRelu" -> in(0).map(v -> v < 0 ? number("alpha", 0.01) * v : v);
        case "PRelu" -> in(0).with(in(1), (v, slope) -> v < 0 ? slope * v : v);
        case "Elu" -> in(0).map(v -> v < 0 ? number("alpha", 1) * Math.expm1(v) : v);
        case "Softplus" -> in(0).map(v -> Math.log1p(Math.exp(v)));
        case "Sigmoid" -> in(0).map(v -> 1 / (1 + Math.exp(-v)));
        case "Tanh" -> in(0).map(Math::tanh);
        case "HardSigmoid" ->
            in(0).map(v -> hardSigmoid(v, number("alpha", 0.2f), number("beta", 0.5)));
        case "HardSwish" -> in(0).map(v -> v * hardSigmoid(v, 1 / 6.0, 0.5));
        case "Erf" -> in(0).map(PlainGraph::erf);
        case "Gelu" ->
            in(0).map(text("approximate", "none").equals("tanh") ? Gelu::tanh : Gelu::of);

        case "Add" -> in(0).with(in(1), Double::sum);
        case "Sub" -> in(0).with(in(1), (a, b) -> a - b);
        case "Mul" -> in(0).with(in(1), (a, b) -> a * b);
        case "Div" -> in(0).with(in(1), (a, b) -> a / b);
        case "Pow" -> in(0).with(in(1), Math::pow);
        case "Greater" -> in(0).with(in(1), (a, b) -> a > b ? 1 : 0);
        case "Sum" -> inputs().stream().reduce((a, b) -> a.with(b, Double::sum)).orElseThrow();
        case "Max" -> inputs().stream().reduce((a, b) -> a.with(b, Math::max)).orElseThrow();
        case "Min" -> inputs().stream().reduce((a, b) -> a.with(b, Math::min)).orElseThrow();
        case "Clip" ->
            in(0)
                .with(in(1, Double.NEGATIVE_INFINITY), Math::max)
                .with(in(2, Double.POSITIVE_INFINITY), Math::min);
        case "Where" -> where();

        case "Conv" -> PlainWindows.conv(in(0), in(1), in(2, 0), integer("group", 1), window());
        case "ConvTranspose" -> convTranspose();
        case "MaxPool" -> PlainWindows.maxPool(in(0), window());
        case "AveragePool" ->
            PlainWindows.averagePool(in(0), window(), integer("count_include_pad", 0) != 0);
        case "LayerNormalization" -> layerNormalization();
        case "InstanceNormalization" -> groupNormalization(in(0).shape()[1]);
        case "GroupNormalization" -> groupNormalization(integer("num_groups", 1));

        case "MatMul" -> PlainMatrices.matMul(in(0), in(1));
        case "Gemm" -> gemm();

        case "ReduceSum" -> reduced(in(0).reduce(axes(), 0, Double::sum));
        case "ReduceMean" -> reduced(in(0).mean(axes()));
        case "ReduceMax" -> reduced(in(0).reduce(axes(), Double.NEGATIVE_INFINITY, Math::max));
        case "ReduceMin" -> reduced(in(0).reduce(axes(), Double.POSITIVE_INFINITY, Math::min));
        case "ReduceL2" ->
            reduced(in(0).map(v -> v * v).reduce(axes(), 0, Double::sum).map(Math::sqrt));
        case "GlobalAveragePool" -> in(0).mean(from(2, in(0).rank()));
        case "Softmax" -> softmax();
        case "LogSoftmax" -> softmax().map(Math::log);

        case "Reshape" -> reshape();
        case "Flatten" -> flatten();
        case "Squeeze" -> squeeze();
        case "Unsqueeze" -> unsqueeze();
        case "Expand" -> in(0).broadcast(PlainArray.commonShape(in(0).shape(), in(1).ints()));
        case "Transpose" -> in(0).transpose(integers("perm", reversed(in(0).rank())));
        case "Concat" -> concat();
        case "Slice" -> slice();
        case "Pad" -> pad();
        case "Gather" -> gather();
        case "OneHot" -> oneHot();
        case "ConstantOfShape" -> constantOfShape();
        default -> throw new IllegalArgumentException("no plain form of " + node.getOpType());
      };
    }

    private List<PlainArray> inputs() {
      return IntStream.range(0, node.getInputCount()).mapToObj(this::in).toList();
    }

    private PlainArray cast() {
      return switch (TensorProto.DataType.forNumber(integer("to", 1))) {
        case FLOAT, DOUBLE -> in(0);
        case BOOL -> in(0).map(v -> v == 0 ? 0 : 1);
        default -> in(0).map(v -> v < 0 ? Math.ceil(v) : Math.floor(v));
      };
    }

    private PlainArray where() {
      int[] shape =
          PlainArray.commonShape(
              in(0).shape(), PlainArray.commonShape(in(1).shape(), in(2).shape()));
      double[] chosen = in(0).broadcast(shape).values();
      double[] a = in(1).broadcast(shape).values();
      double[] b = in(2).broadcast(shape).values();
      PlainArray result = new PlainArray(shape);
      Arrays.setAll(result.values(), i -> chosen[i] != 0 ? a[i] : b[i]);
      return result;
    }

    private PlainArray gemm() {
      PlainArray a = integer("transA", 0) == 0 ? in(0) : in(0).transpose(1, 0);
      PlainArray b = integer("transB", 0) == 0 ? in(1) : in(1).transpose(1, 0);
      double alpha = number("alpha", 1);
      double beta = number("beta", 1);
      return PlainMatrices.matMul(a, b)
          .map(v -> alpha * v)
          .with(in(2, 0), (product, c) -> product + beta * c);
    }

    private boolean[] from(int first, int rank) {
      boolean[] marked = new boolean[rank];
      Arrays.fill(marked, first, rank, true);
      return marked;
    }

    /** The reduced axes. */
    private boolean[] axes() {
      int rank = in(0).rank();
      boolean[] marked = new boolean[rank];
      int[] axes = has(1) ? in(1).ints() : integers("axes");
      for (int axis : axes) {
        marked[axis < 0 ? axis + rank : axis] = true;
      }
      return axes.length == 0 && integer("noop_with_empty_axes", 0) == 0 ? from(0, rank) : marked;
    }

    private PlainArray reduced(PlainArray kept) {
      if (integer("keepdims", 1) != 0) {
        return kept;
      }
      boolean[] axes = axes();
      return kept.reshape(
          IntStream.range(0, axes.length)
              .filter(axis -> !axes[axis])
              .map(axis -> kept.shape()[axis])
              .toArray());
    }

    private PlainArray softmax() {
      int rank = in(0).rank();
      boolean[] axes = new boolean[rank];
      if (opset >= 13) {
        axes[axis(-1, rank)] = true;
      } else {
        axes = from(axis(1, rank), rank);
      }
      PlainArray exponentials = in(0).map(Math::exp);
      return exponentials.with(exponentials.reduce(axes, 0, Double::sum), (a, b) -> a / b);
    }

    private PlainArray reshape() {
      int[] shape = in(1).ints();
      int known = 1;
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = shape[axis] == 0 ? in(0).shape()[axis] : shape[axis];
        known *= shape[axis] < 0 ? 1 : shape[axis];
      }
      int rest = in(0).values().length / known;
      return in(0).reshape(Arrays.stream(shape).map(size -> size < 0 ? rest : size).toArray());
    }

    private PlainArray flatten() {
      int axis = axis(1, in(0).rank());
      int rows = PlainArray.count(Arrays.copyOf(in(0).shape(), axis));
      return in(0).reshape(rows, in(0).values().length / rows);
    }

    private PlainArray squeeze() {
      int rank = in(0).rank();
      int[] axes = has(1) ? in(1).ints() : integers("axes");
      List<Integer> dropped = Arrays.stream(axes).map(a -> a < 0 ? a + rank : a).boxed().toList();
      return in(0)
          .reshape(
              IntStream.range(0, rank)
                  .filter(a -> axes.length == 0 ? in(0).shape()[a] != 1 : !dropped.contains(a))
                  .map(a -> in(0).shape()[a])
                  .toArray());
    }

    private PlainArray unsqueeze() {
      int[] axes = has(1) ? in(1).ints() : integers("axes");
      int rank = in(0).rank() + axes.length;
      List<Integer> added = Arrays.stream(axes).map(a -> a < 0 ? a + rank : a).boxed().toList();
      int[] shape = new int[rank];
      int next = 0;
      for (int axis = 0; axis < rank; axis++) {
        shape[axis] = added.contains(axis) ? 1 : in(0).shape()[next++];
      }
      return in(0).reshape(shape);
    }

    private int[] reversed(int rank) {
      return IntStream.range(0, rank).map(axis -> rank - 1 - axis).toArray();
    }

    private PlainArray concat() {
      int axis = axis(0, in(0).rank());
      int[] shape = in(0).shape().clone();
      shape[axis] = inputs().stream().mapToInt(part -> part.shape()[axis]).sum();
      PlainArray result = new PlainArray(shape);
      int begin = 0;
      for (PlainArray part : inputs()) {
        for (int i = 0; i < part.values().length; i++) {
          int[] index = part.index(i);
          index[axis] += begin;
          result.values()[result.offset(index)] = part.values()[i];
        }
        begin += part.shape()[axis];
      }
      return result;
    }

    private List<PlainArray> split() {
      int axis = axis(0, in(0).rank());
      int parts = node.getOutputCount();
      int[] equal = new int[parts];
      Arrays.fill(equal, in(0).shape()[axis] / parts);
      int[] sizes = has(1) ? in(1).ints() : integers("split", equal);
      List<PlainArray> results = new ArrayList<>();
      int begin = 0;
      for (int size : sizes) {
        results.add(strided(in(0), axis, begin, size, 1));
        begin += size;
      }
      return results;
    }

    private PlainArray strided(PlainArray from, int axis, int begin, int size, int step) {
      int[] shape = from.shape().clone();
      shape[axis] = size;
      PlainArray result = new PlainArray(shape);
      for (int i = 0; i < result.values().length; i++) {
        int[] index = result.index(i);
        index[axis] = begin + step * index[axis];
        result.values()[i] = from.at(index);
      }
      return result;
    }

    private PlainArray slice() {
      PlainArray result = in(0);
      int[] starts = in(1).ints();
      int[] ends = in(2).ints();
      for (int i = 0; i < starts.length; i++) {
        int axis = has(3) ? in(3).ints()[i] : i;
        axis = axis < 0 ? axis + result.rank() : axis;
        int step = has(4) ? in(4).ints()[i] : 1;
        int size = result.shape()[axis];
        int lowest = step > 0 ? 0 : -1;
        int highest = step > 0 ? size : size - 1;
        int begin =
            clamp(starts[i] < 0 ? starts[i] + size : starts[i], Math.max(0, lowest), highest);
        int end = clamp(ends[i] < 0 ? ends[i] + size : ends[i], lowest, size);
        int count = Math.max(0, (end - begin + step - Integer.signum(step)) / step);
        result = strided(result, axis, begin, count, step);
      }
      return result;
    }

    private int clamp(int value, int low, int high) {
      return Math.max(low, Math.min(high, value));
    }

    private PlainArray pad() {
      int rank = in(0).rank();
      int[] pads = new int[2 * rank];
      int[] given = in(1).ints();
      int[] axes = has(3) ? in(3).ints() : IntStream.range(0, rank).toArray();
      for (int i = 0; i < axes.length; i++) {
        int axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        pads[axis] = given[i];
        pads[rank + axis] = given[axes.length + i];
      }
      int[] shape = in(0).shape().clone();
      Arrays.setAll(shape, axis -> in(0).shape()[axis] + pads[axis] + pads[rank + axis]);
      PlainArray result = new PlainArray(shape);
      Arrays.fill(result.values(), in(2, 0).values()[0]);
      for (int i = 0; i < in(0).values().length; i++) {
        int[] index = in(0).index(i);
        boolean inside = true;
        for (int axis = 0; axis < rank; axis++) {
          index[axis] += pads[axis];
          inside &= index[axis] >= 0 && index[axis] < shape[axis];
        }
        if (inside) {
          result.values()[result.offset(index)] = in(0).values()[i];
        }
      }
      return result;
    }

    private PlainArray gather() {
      int axis = axis(0, in(0).rank());
      int[] from = in(0).shape();
      int[] indices = in(1).ints();
      int[] shape =
          IntStream.concat(
                  IntStream.concat(Arrays.stream(from, 0, axis), Arrays.stream(in(1).shape())),
                  Arrays.stream(from, axis + 1, from.length))
              .toArray();
      int inner = PlainArray.count(Arrays.copyOfRange(from, axis + 1, from.length));
      PlainArray result = new PlainArray(shape);
      for (int i = 0; i < result.values().length; i++) {
        int picked = indices[i / inner % indices.length];
        int row = picked < 0 ? picked + from[axis] : picked;
        int outer = i / inner / indices.length;
        result.values()[i] = in(0).values()[(outer * from[axis] + row) * inner + i % inner];
      }
      return result;
    }

    private PlainArray constantOfShape() {
      PlainArray result = new PlainArray(in(0).ints());
      if (hasAttribute("value")) {
        Arrays.fill(result.values(), PlainArray.of(attribute("value").getT()).values()[0]);
      }
      return result;
    }

    /** Along a new last axis. */
    private PlainArray oneHot() {
      int depth = in(1).ints()[0];
      int[] shape = Arrays.copyOf(in(0).shape(), in(0).rank() + 1);
      shape[in(0).rank()] = depth;
      PlainArray result = new PlainArray(shape);
      for (int i = 0; i < result.values().length; i++) {
        boolean hit = in(0).values()[i / depth] == i % depth;
        result.values()[i] = in(2).values()[hit ? 1 : 0];
      }
      return result;
    }

    /** An attribute for height and width; the height's is {@code flat} where there is none. */
    private int[] spatial(String name, int flat, int byDefault) {
      int count = in(0).rank() - 2;
      int[] given = new int[count];
      Arrays.fill(given, byDefault);
      given = integers(name, given);
      return count == 2 ? given : new int[] {flat, given[0]};
    }

    private int[] kernel() {
      if (has(1)) {
        return Arrays.copyOfRange(PlainWindows.flat(in(1)).shape(), 2, 4);
      }
      return spatial("kernel_shape", 1, 1);
    }

    private PlainWindows.Window window() {
      int[] kernel = kernel();
      int[] strides = spatial("strides", 1, 1);
      int[] dilations = spatial("dilations", 1, 1);
      int[] given = integers("pads", new int[2 * (in(0).rank() - 2)]);
      int[] pads = given.length == 4 ? given : new int[] {0, given[0], 0, given[1]};
      int[] size = Arrays.copyOfRange(PlainWindows.flat(in(0)).shape(), 2, 4);
      int[] begin = new int[2];
      int[] results = new int[2];
      for (int axis = 0; axis < 2; axis++) {
        int reach = dilations[axis] * (kernel[axis] - 1) + 1;
        int total = pads[axis] + pads[axis + 2];
        begin[axis] = pads[axis];
        String auto = text("auto_pad", "NOTSET");
        if (auto.startsWith("SAME")) {
          int wanted = (size[axis] + strides[axis] - 1) / strides[axis];
          total = Math.max(0, (wanted - 1) * strides[axis] + reach - size[axis]);
          begin[axis] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
        }
        int steps = size[axis] + total - reach;
        results[axis] = steps / strides[axis] + 1;
        boolean rest = steps % strides[axis] != 0;
        // a last window that starts within the image, or the padding before it
        if (integer("ceil_mode", 0) != 0
            && rest
            && results[axis] * strides[axis] < size[axis] + begin[axis]) {
          results[axis]++;
        }
      }
      return new PlainWindows.Window(kernel, strides, dilations, begin, results);
    }

    private PlainArray convTranspose() {
      PlainWindows.Window window = window();
      int[] size = Arrays.copyOfRange(PlainWindows.flat(in(0)).shape(), 2, 4);
      int[] more = spatial("output_padding", 0, 0);
      int[] given = integers("pads", new int[2 * (in(0).rank() - 2)]);
      int[] pads = given.length == 4 ? given : new int[] {0, given[0], 0, given[1]};
      int[] results = new int[2];
      Arrays.setAll(
          results,
          a ->
              (size[a] - 1) * window.strides()[a]
                  + more[a]
                  + window.reach(a)
                  - pads[a]
                  - pads[a + 2]);
      return PlainWindows.convTranspose(
          in(0), in(1), in(2, 0), integer("group", 1), window, results);
    }

    private int[] ones(int count) {
      int[] ones = new int[count];
      Arrays.fill(ones, 1);
      return ones;
    }

    private PlainArray standardized(PlainArray x, boolean[] axes) {
      double epsilon = number("epsilon", 1e-5f);
      PlainArray centred = x.with(x.mean(axes), (v, m) -> v - m);
      PlainArray variance = centred.map(v -> v * v).mean(axes);
      return centred.with(variance, (v, s) -> v / Math.sqrt(s + epsilon));
    }

    private PlainArray layerNormalization() {
      int rank = in(0).rank();
      return standardized(in(0), from(axis(-1, rank), rank))
          .with(in(1), (v, scale) -> v * scale)
          .with(in(2, 0), Double::sum);
    }

    private PlainArray groupNormalization(int groups) {
      PlainArray x = in(0);
      int perGroup = x.values().length / x.shape()[0] / groups;
      PlainArray grouped = x.reshape(x.shape()[0], groups, perGroup);
      PlainArray result = standardized(grouped, from(2, 3));
      if (in(1).shape()[0] == groups) {
        return result
            .with(in(1).reshape(groups, 1), (v, scale) -> v * scale)
            .with(in(2).reshape(groups, 1), Double::sum)
            .reshape(x.shape());
      }
      int[] channels = ones(x.rank() - 1);
      channels[0] = x.shape()[1];
      return result
          .reshape(x.shape())
          .with(in(1).reshape(channels), (v, scale) -> v * scale)
          .with(in(2).reshape(channels), Double::sum);
    }

    /** Training: the batch's own statistics, then the running ones. */
    private List<PlainArray> batchNormalization() {
      PlainArray x = in(0);
      boolean[] axes = from(0, x.rank());
      axes[1] = false;
      int[] channels = ones(x.rank());
      channels[1] = x.shape()[1];
      double epsilon = number("epsilon", 1e-5f);
      PlainArray mean = in(3).reshape(channels);
      PlainArray variance = in(4).reshape(channels);
      List<PlainArray> results = new ArrayList<>();
      if (integer("training_mode", 0) != 0) {
        double momentum = number("momentum", 0.9f);
        PlainArray batchMean = x.mean(axes);
        PlainArray batchVariance = x.with(batchMean, (v, m) -> (v - m) * (v - m)).mean(axes);
        results.add(mean.with(batchMean, (r, m) -> momentum * r + (1 - momentum) * m));
        results.add(variance.with(batchVariance, (r, v) -> momentum * r + (1 - momentum) * v));
        mean = batchMean;
        variance = batchVariance;
      }
      results.add(
          0,
          x.with(mean, (v, m) -> v - m)
              .with(variance, (v, s) -> v / Math.sqrt(s + epsilon))
              .with(in(1).reshape(channels), (v, g) -> v * g)
              .with(in(2).reshape(channels), Double::sum));
      return results;
    }
  }

  private static double hardSigmoid(double v, double alpha, double beta) {
    return Math.max(0, Math.min(1, alpha * v + beta));
  }

  /** The error function by its Taylor series, which in double precision serves up to about 5. */
  static double erf(double v) {
    double term = v;
    double sum = v;
    for (int n = 1; n < 200; n++) {
      term *= -v * v / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  /** The Gaussian error linear unit. */
  private static final class Gelu {
    static double of(double v) {
      return v * (1 + erf(v / Math.sqrt(2))) / 2;
    }

    static double tanh(double v) {
      double inner = Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v);
      return v * (1 + Math.tanh(inner)) / 2;
    }
  }
}
