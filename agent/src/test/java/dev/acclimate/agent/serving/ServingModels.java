package dev.acclimate.agent.serving;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Models whose answers can be told by hand. */
final class ServingModels {
  private static final Map<String, TensorProto.DataType> TYPES =
      Map.of(
          "bool", TensorProto.DataType.BOOL,
          "int8", TensorProto.DataType.INT8,
          "int16", TensorProto.DataType.INT16,
          "int32", TensorProto.DataType.INT32,
          "int64", TensorProto.DataType.INT64,
          "uint8", TensorProto.DataType.UINT8,
          "fp16", TensorProto.DataType.FLOAT16,
          "bf16", TensorProto.DataType.BFLOAT16,
          "fp32", TensorProto.DataType.FLOAT,
          "fp64", TensorProto.DataType.DOUBLE);

  private ServingModels() {}

  /**
   * Writes all of them into a folder: {@code sum}, {@code echo-TYPE}, {@code fixed}, {@code
   * matrix}, {@code unsigned}, {@code texts}, and those that must not load.
   */
  static void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    write(folder.resolve("sum.onnx"), sum());
    for (Map.Entry<String, TensorProto.DataType> type : TYPES.entrySet()) {
      write(folder.resolve("echo-" + type.getKey() + ".onnx"), echo(type.getValue(), "batch", 2));
    }
    write(folder.resolve("fixed.onnx"), echo(TensorProto.DataType.FLOAT, "2", 2));
    Files.createDirectories(folder.resolve("matrix"));
    write(folder.resolve("matrix/model.onnx"), matrix());
    write(folder.resolve("unsigned.onnx"), echo(TensorProto.DataType.UINT32, "batch", 2));
    write(folder.resolve("texts.onnx"), echo(TensorProto.DataType.STRING, "batch", 2));
    Files.writeString(folder.resolve("broken.onnx"), "not a model");
    Path outside = folder.resolveSibling("outside.onnx");
    write(outside, sum());
    Files.createSymbolicLink(folder.resolve("linked.onnx"), outside);
    Files.write(folder.resolveSibling("secret.bin"), new byte[8]);
    write(folder.resolve("leaking.onnx"), leaking());
  }

  private static void write(Path file, GraphProto.Builder graph) throws IOException {
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph.setName("graph"))
            .build();
    Files.write(file, model.toByteArray());
  }

  /** {@code a [batch, 2]} and {@code b [batch, 2]} to their sum and their difference. */
  static GraphProto.Builder sum() {
    return GraphProto.newBuilder()
        .addInput(value("a", TensorProto.DataType.FLOAT, "batch", "2"))
        .addInput(value("b", TensorProto.DataType.FLOAT, "batch", "2"))
        .addOutput(value("sum", TensorProto.DataType.FLOAT, "batch", "2"))
        .addOutput(value("difference", TensorProto.DataType.FLOAT, "batch", "2"))
        .addNode(node("Add", "sum", "a", "b"))
        .addNode(node("Sub", "difference", "a", "b"));
  }

  private static GraphProto.Builder echo(TensorProto.DataType type, String batch, int width) {
    return GraphProto.newBuilder()
        .addInput(value("x", type, batch, Integer.toString(width)))
        .addOutput(value("y", type, batch, Integer.toString(width)))
        .addNode(node("Identity", "y", "x"));
  }

  /** Rows and columns both open and of names of their own: no axis is the batch's. */
  private static GraphProto.Builder matrix() {
    return GraphProto.newBuilder()
        .addInput(value("x", TensorProto.DataType.FLOAT, "rows", "columns"))
        .addOutput(value("y", TensorProto.DataType.FLOAT, "columns", "rows"))
        .addNode(node("Transpose", "y", "x"));
  }

  private static GraphProto.Builder leaking() {
    TensorProto weight =
        TensorProto.newBuilder()
            .setName("w")
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .addDims(2)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(
                StringStringEntryProto.newBuilder().setKey("location").setValue("../secret.bin"))
            .build();
    return GraphProto.newBuilder()
        .addInput(value("x", TensorProto.DataType.FLOAT, "batch", "2"))
        .addOutput(value("y", TensorProto.DataType.FLOAT, "batch", "2"))
        .addInitializer(weight)
        .addNode(node("Add", "y", "x", "w"));
  }

  private static NodeProto node(String type, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(output.toUpperCase(Locale.ROOT))
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static ValueInfoProto value(String name, TensorProto.DataType type, String... axes) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (String axis : axes) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      if (Character.isDigit(axis.charAt(0))) {
        dimension.setDimValue(Long.parseLong(axis));
      } else {
        dimension.setDimParam(axis);
      }
      shape.addDim(dimension);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }
}
