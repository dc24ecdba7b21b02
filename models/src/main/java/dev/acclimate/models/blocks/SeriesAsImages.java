package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;

/**
 * A model's time series {@code [B, C, L]} as images of one row, {@code [B, C, 1, L]}: ONNX Runtime
 * has blocks of channels for images alone. From the first convolution of a series on, all operators
 * that can work on rows do; before others the axis goes again, which costs nothing but a name.
 */
final class SeriesAsImages {
  /** Operators on each element, beside {@link ElementwiseLowering#FUNCTIONS}. */
  private static final Set<String> ELEMENTWISE =
      Set.of(
          "Add", "Cast", "Div", "Greater", "Less", "Max", "Min", "Mul", "PRelu", "Pow", "Sign",
          "Sub", "Where");

  /** Attributes of windows with a number for each axis, and what it is for the rows. */
  private static final Map<String, Long> OF_WINDOWS =
      Map.of(
          "kernel_shape", 1L,
          "strides", 1L,
          "dilations", 1L,
          "output_shape", 1L,
          "output_padding", 0L);

  private static final int SERIES = 3;

  /** The axis of the rows. */
  private static final int ROWS = 2;

  private final OnnxModel model;
  private final GraphEditor editor;
  private final OperatorWriter ops;
  private final TensorShapes shapes;
  private final Constants constants;

  /** The images that series became. */
  private final Map<String, String> images = new HashMap<>();

  /** Results that are there as images alone so far. */
  private final Set<String> unwritten = new TreeSet<>();

  private SeriesAsImages(OnnxModel model) {
    this.model = model;
    this.editor = new GraphEditor(model);
    this.ops = editor.writer("acclimate/images/");
    this.shapes = new TensorShapes(model);
    this.constants = new Constants(model.graph());
  }

  /** The model with its series as images; the same one where no series are convolved. */
  static OnnxModel write(OnnxModel model) {
    boolean none = model.graph().getNodeList().stream().noneMatch(SeriesAsImages::hasOneAxis);
    return none ? model : new SeriesAsImages(model).write();
  }

  private static boolean hasOneAxis(NodeProto node) {
    return isConvolution(node)
        && NodeAttributes.integers(node, "kernel_shape").map(k -> k.length == 1).orElse(true);
  }

  private static boolean isConvolution(NodeProto node) {
    return node.getOpType().equals("Conv") || node.getOpType().equals("ConvTranspose");
  }

  private OnnxModel write() {
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (!isKnown(node) || !write(node)) {
        GraphEditor.tensorsRead(node).forEach(this::writeSeries);
        ops.add(node);
      }
      editor.replace(i, List.of());
    }
    model.graph().getOutputList().forEach(output -> writeSeries(output.getName()));
    editor.append(ops.nodes());
    return editor.build();
  }

  /** True where all that a node reads and its one result have known sizes. */
  private boolean isKnown(NodeProto node) {
    return OnnxModel.isDefaultDomain(node.getDomain())
        && node.getOutputCount() == 1
        && shapes.isKnown(node.getOutput(0))
        && node.getInputList().stream().allMatch(x -> x.isEmpty() || shapes.isKnown(x));
  }

  private boolean write(NodeProto node) {
    String operator = node.getOpType();
    if (isConvolution(node)) {
      return isSeries(node.getInput(0)) && writeWindows(node);
    }
    if (node.getInputList().stream().noneMatch(images::containsKey)) {
      return false;
    }
    if (ELEMENTWISE.contains(operator) || ElementwiseLowering.FUNCTIONS.contains(operator)) {
      return writeElementwise(node);
    }
    if (!isSeries(node.getInput(0))) {
      return false;
    }
    return switch (operator) {
      case "MaxPool", "AveragePool" -> writeWindows(node);
      case "GlobalAveragePool", "BatchNormalization" -> writeImage(node, node.toBuilder());
      case "Concat" -> writeConcat(node);
      case "ReduceMean", "ReduceSum" -> writeReduction(node);
      case "Slice" -> writeSlice(node);
      case "Pad" -> writePad(node);
      case "Reshape", "Flatten", "Squeeze", "Unsqueeze" -> writeReshaped(node);
      default -> false;
    };
  }

  /** Writes a node whose first input is an image, as its result is. */
  private boolean writeImage(NodeProto node, NodeProto.Builder on) {
    on.setInput(0, image(node.getInput(0)));
    put(node.getOutput(0), ops.emit(on.clearName().clearOutput()));
    return true;
  }

  private void put(String series, String image) {
    images.put(series, image);
    unwritten.add(series);
  }

  private boolean writeWindows(NodeProto node) {
    NodeProto.Builder on = node.toBuilder().clearAttribute();
    if (isConvolution(node)) {
      on.setInput(1, image(node.getInput(1)));
    }
    node.getAttributeList().forEach(attribute -> on.addAttribute(withRows(attribute)));
    return writeImage(node, on);
  }

  private static AttributeProto withRows(AttributeProto attribute) {
    Long ofRows = OF_WINDOWS.get(attribute.getName());
    if (ofRows != null) {
      return OperatorWriter.integers(attribute.getName(), ofRows, attribute.getInts(0));
    }
    return attribute.getName().equals("pads")
        ? OperatorWriter.integers("pads", 0, attribute.getInts(0), 0, attribute.getInts(1))
        : attribute;
  }

  private boolean writeElementwise(NodeProto node) {
    boolean fits =
        isSeries(node.getOutput(0))
            && node.getInputList().stream().allMatch(x -> shapes.of(x).length <= SERIES);
    if (!fits) {
      return false;
    }
    NodeProto.Builder on = node.toBuilder().clearName().clearOutput();
    for (int i = 0; i < node.getInputCount(); i++) {
      // what has fewer axes is repeated along the first ones all the same
      if (shapes.of(node.getInput(i)).length > 1) {
        on.setInput(i, image(node.getInput(i)));
      }
    }
    put(node.getOutput(0), ops.emit(on));
    return true;
  }

  private boolean writeConcat(NodeProto node) {
    long axis = imageAxis(NodeAttributes.integer(node, "axis", 0));
    List<String> parts = node.getInputList().stream().map(this::image).toList();
    put(node.getOutput(0), ops.concat(Math.toIntExact(axis), parts));
    return true;
  }

  /** Where an axis of a series is in the image. */
  private static long imageAxis(long axis) {
    long ofSeries = axis < 0 ? axis + SERIES : axis;
    return ofSeries < ROWS ? ofSeries : ofSeries + 1;
  }

  private static long[] imageAxes(long... axes) {
    return Arrays.stream(axes).map(SeriesAsImages::imageAxis).toArray();
  }

  /** A reduction over places is one over rows too. */
  private boolean writeReduction(NodeProto node) {
    Optional<long[]> axes = constants.reducedAxes(node);
    boolean keep = NodeAttributes.integer(node, "keepdims", 1) != 0;
    if (axes.isEmpty() || axes.get().length == 0) {
      return false;
    }
    long[] over = imageAxes(axes.get());
    boolean overPlaces = Arrays.stream(over).anyMatch(axis -> axis > ROWS);
    if (overPlaces) {
      over = LongStream.concat(Arrays.stream(over), LongStream.of(ROWS)).sorted().toArray();
    }
    String image = image(node.getInput(0));
    String reduced =
        node.getOpType().equals("ReduceMean")
            ? ops.reduceMean(image, keep, over)
            : ops.reduceSum(image, keep, over);
    String y = node.getOutput(0);
    if (keep) {
      put(y, reduced);
    } else if (overPlaces) {
      ops.alias(y, reduced);
    } else {
      ops.emitTo(y, "Reshape", List.of(reduced, sizes(y)));
    }
    return true;
  }

  private String sizes(String tensor) {
    return ops.constant(shapes.of(tensor));
  }

  private boolean writeSlice(NodeProto node) {
    Optional<long[]> axes =
        node.getInputCount() < 4 ? Optional.empty() : constants.integers(node.getInput(3));
    if (axes.isEmpty()) {
      return false;
    }
    String over = ops.constant(imageAxes(axes.get()));
    return writeImage(node, node.toBuilder().setInput(3, over));
  }

  private boolean writePad(NodeProto node) {
    Optional<long[]> pads =
        node.getInputCount() == 2 || node.getInputCount() == 3
            ? constants.integers(node.getInput(1))
            : Optional.empty();
    if (pads.isEmpty()) {
      return false;
    }
    long[] p = pads.get();
    String around = ops.constant(new long[] {p[0], p[1], 0, p[2], p[3], p[4], 0, p[5]});
    return writeImage(node, node.toBuilder().setInput(1, around));
  }

  /** The same numbers in the same order. */
  private boolean writeReshaped(NodeProto node) {
    String image = image(node.getInput(0));
    String y = node.getOutput(0);
    if (isSeries(y)) {
      put(y, ops.reshape(image, imageShape(y)));
    } else {
      ops.emitTo(y, "Reshape", List.of(image, sizes(y)));
    }
    return true;
  }

  private boolean isSeries(String tensor) {
    return shapes.of(tensor).length == SERIES;
  }

  private long[] imageShape(String tensor) {
    long[] shape = shapes.of(tensor);
    int last = shape.length - 1;
    return LongStream.concat(
            LongStream.concat(Arrays.stream(shape, 0, last), LongStream.of(1)),
            LongStream.of(shape[last]))
        .toArray();
  }

  /** A tensor with an axis of size 1 before its last one. */
  private String image(String tensor) {
    return images.computeIfAbsent(tensor, series -> ops.reshape(series, imageShape(series)));
  }

  /** Sees to it that a tensor is there as it was. */
  private void writeSeries(String tensor) {
    if (unwritten.remove(tensor)) {
      ops.emitTo(tensor, "Reshape", List.of(image(tensor), sizes(tensor)));
    }
  }
}
