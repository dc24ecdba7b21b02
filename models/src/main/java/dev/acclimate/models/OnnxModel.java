package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An ONNX model in memory, immutable. Weights kept in files beside the model (ONNX external data)
 * are read into it, so that a rewritten model stands by itself.
 */
public final class OnnxModel {
  /** The oldest operator set whose BatchNormalization we know. */
  public static final long OLDEST_OPSET = 9;

  private final ModelProto proto;
  private final String name;
  private final String digest;

  private OnnxModel(ModelProto proto, String name, String digest) {
    this.proto = proto;
    this.name = name;
    this.digest = digest;
  }

  /**
   * Reads a model file.
   *
   * @throws InvalidInputException when there is no such file, it is no ONNX model or is cut short,
   *     its operator set is too old, or its external weights are missing or outside its folder
   */
  public static OnnxModel read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          file + ": " + (Files.exists(file) ? "not a file" : "no such model file"));
    }
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException | OutOfMemoryError e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
    ModelProto proto = parse(file.toString(), bytes);
    return new OnnxModel(ExternalData.inline(proto, file), baseName(file), sha256(bytes));
  }

  /**
   * A model from its serialized form.
   *
   * @param name what messages call it
   * @throws InvalidInputException as {@link #read}
   */
  public static OnnxModel parse(byte[] bytes, String name) {
    return new OnnxModel(parse(name, bytes), name, sha256(bytes));
  }

  /** A model made in memory. */
  public static OnnxModel of(ModelProto proto, String name) {
    return new OnnxModel(proto, name, sha256(proto.toByteArray()));
  }

  private static ModelProto parse(String source, byte[] bytes) {
    ModelProto proto;
    try {
      proto = ModelProto.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      String cause =
          e.getMessage() != null && e.getMessage().contains("ended unexpectedly")
              ? "not an ONNX model, or a truncated one: the file ends inside a field after "
              : "not an ONNX model: expected a serialized ModelProto, found other content in ";
      throw new InvalidInputException(source + ": " + cause + bytes.length + " bytes", e);
    }
    if (!proto.hasGraph() || proto.getGraph().getNodeCount() == 0) {
      throw new InvalidInputException(
          source
              + ": not an ONNX model: expected a graph with nodes, found none in "
              + bytes.length
              + " bytes");
    }
    if (proto.getGraph().getOutputCount() == 0) {
      // protobuf fields may end at any boundary, so a cut can leave a readable but headless graph
      throw new InvalidInputException(
          source + ": truncated ONNX model: its graph has nodes but no outputs");
    }
    long opset = opset(proto);
    if (opset < OLDEST_OPSET) {
      throw new InvalidInputException(
          source
              + ": operator set "
              + opset
              + " is too old: expected "
              + OLDEST_OPSET
              + " or newer; convert the model with its exporter");
    }
    return proto;
  }

  private static long opset(ModelProto proto) {
    for (OperatorSetIdProto set : proto.getOpsetImportList()) {
      if (isDefaultDomain(set.getDomain())) {
        return set.getVersion();
      }
    }
    return 1;
  }

  public static boolean isDefaultDomain(String domain) {
    return domain.isEmpty() || domain.equals("ai.onnx");
  }

  private static String baseName(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".onnx") ? name.substring(0, name.length() - 5) : name;
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /** The file's name without its ending. */
  public String name() {
    return name;
  }

  /** SHA-256 of the file as read, hexadecimal: what a saved state is tied to. */
  public String digest() {
    return digest;
  }

  /** Version of the default operator set. */
  public long opset() {
    return opset(proto);
  }

  public ModelProto proto() {
    return proto;
  }

  public GraphProto graph() {
    return proto.getGraph();
  }

  /** The tensors that a run must be given: declared inputs without initializers. */
  public List<TensorInfo> inputs() {
    Set<String> initialized = new HashSet<>();
    graph().getInitializerList().forEach(i -> initialized.add(i.getName()));
    List<TensorInfo> inputs = new ArrayList<>();
    for (ValueInfoProto value : graph().getInputList()) {
      if (!initialized.contains(value.getName())) {
        inputs.add(tensorInfo(value));
      }
    }
    return inputs;
  }

  public List<TensorInfo> outputs() {
    return graph().getOutputList().stream().map(this::tensorInfo).toList();
  }

  private TensorInfo tensorInfo(ValueInfoProto value) {
    if (!value.getType().hasTensorType()) {
      throw new InvalidInputException(
          name + ": '" + value.getName() + "' is not a tensor: sequences and maps are unsupported");
    }
    TypeProto.Tensor tensor = value.getType().getTensorType();
    ElementType type =
        ElementType.ofOnnxCode(tensor.getElemType())
            .orElseThrow(
                () ->
                    new InvalidInputException(
                        name
                            + ": '"
                            + value.getName()
                            + "' has unsupported element type "
                            + TensorProto.DataType.forNumber(tensor.getElemType())));
    List<Dimension> dimensions = new ArrayList<>();
    for (TensorShapeProto.Dimension dimension : tensor.getShape().getDimList()) {
      dimensions.add(
          dimension.hasDimValue()
              ? Dimension.fixed(dimension.getDimValue())
              : Dimension.symbolic(dimension.getDimParam()));
    }
    return new TensorInfo(value.getName(), type, dimensions);
  }

  /**
   * Types and shapes of these tensors, inner ones included, as far as ONNX Runtime infers them.
   *
   * @throws InvalidInputException when ONNX Runtime refuses the model
   */
  public Map<String, TensorInfo> infer(Collection<String> tensors) {
    return ShapeInference.infer(this, List.copyOf(tensors));
  }

  /** The value of a metadata property. */
  public Optional<String> metadata(String key) {
    return proto.getMetadataPropsList().stream()
        .filter(entry -> entry.getKey().equals(key))
        .map(StringStringEntryProto::getValue)
        .findFirst();
  }

  /** This model's content with another name. */
  public OnnxModel named(String newName) {
    return new OnnxModel(proto, newName, digest);
  }

  /** The same model with one of its inputs' and outputs' symbolic sizes set. */
  public OnnxModel withSize(Dimension symbolic, long size) {
    if (symbolic.isFixed()) {
      return this;
    }
    GraphProto.Builder graph = graph().toBuilder().clearValueInfo();
    List<ValueInfoProto.Builder> ends = new ArrayList<>(graph.getInputBuilderList());
    ends.addAll(graph.getOutputBuilderList());
    for (ValueInfoProto.Builder end : ends) {
      for (TensorShapeProto.Dimension.Builder axis :
          end.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder().getDimBuilderList()) {
        if (axis.getDimParam().equals(symbolic.symbol())) {
          axis.setDimValue(size);
        }
      }
    }
    return of(proto.toBuilder().setGraph(graph).build(), name);
  }

  public byte[] toBytes() {
    return proto.toByteArray();
  }

  /**
   * Writes the model to a file.
   *
   * @throws InvalidInputException when the file cannot be written
   */
  public void write(Path file) {
    try {
      Files.write(file, toBytes());
    } catch (IOException e) {
      throw InvalidInputException.unwritable(file, e);
    }
  }
}
