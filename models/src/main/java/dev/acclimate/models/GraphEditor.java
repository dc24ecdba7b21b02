package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Edits a copy of a model's graph: replaces nodes by subgraphs, adds inputs, outputs, constants and
 * metadata. Names that it makes up collide with nothing in the model. Node positions are those of
 * the model that was opened, whatever is edited in between.
 */
public final class GraphEditor {
  /** From this version on, initializers need not be declared as inputs too. */
  private static final long IR_WITH_FREE_INITIALIZERS = 4;

  private final OnnxModel model;
  private final ModelProto.Builder proto;
  private final GraphProto.Builder graph;
  private final Set<String> names = new HashSet<>();
  private final Map<String, Integer> suffixes = new HashMap<>();
  private final Map<Integer, List<NodeProto>> replacements = new HashMap<>();
  private final List<NodeProto> first = new ArrayList<>();
  private final List<NodeProto> last = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<TensorProto, String> constants = new HashMap<>();
  private final Constants originals;

  public GraphEditor(OnnxModel model) {
    this.model = model;
    this.proto = model.proto().toBuilder();
    this.graph = model.graph().toBuilder();
    this.originals = new Constants(model.graph());
    collectNames(model.graph());
  }

  private void collectNames(GraphProto part) {
    part.getInputList().forEach(value -> names.add(value.getName()));
    part.getOutputList().forEach(value -> names.add(value.getName()));
    part.getValueInfoList().forEach(value -> names.add(value.getName()));
    part.getInitializerList().forEach(tensor -> names.add(tensor.getName()));
    part.getSparseInitializerList().forEach(tensor -> names.add(tensor.getValues().getName()));
    for (NodeProto node : part.getNodeList()) {
      names.add(node.getName());
      names.addAll(node.getInputList());
      names.addAll(node.getOutputList());
      // branches and loop bodies see the outer names
      node.getAttributeList()
          .forEach(
              attribute -> {
                if (attribute.hasG()) {
                  collectNames(attribute.getG());
                }
                attribute.getGraphsList().forEach(this::collectNames);
              });
    }
  }

  public OnnxModel model() {
    return model;
  }

  /** A name that starts with {@code wanted} and that nothing in the graph has. */
  public String freshName(String wanted) {
    String name = wanted;
    while (!names.add(name)) {
      name = wanted + "_" + suffixes.merge(wanted, 1, Integer::sum);
    }
    return name;
  }

  /** Writes operators for this graph; what it writes takes a place with one of the calls below. */
  public OperatorWriter writer(String namePrefix) {
    return new OperatorWriter(this, namePrefix);
  }

  /** Puts {@code nodes} in the place of the node at {@code index}. */
  public void replace(int index, List<NodeProto> nodes) {
    replacements.put(index, List.copyOf(nodes));
  }

  /** Puts {@code nodes} before all others. */
  public void prepend(List<NodeProto> nodes) {
    first.addAll(nodes);
  }

  /**
   * Subtracts a constant from a tensor {@code [B, C, *]} at no cost, by way of the bias of the
   * convolution that makes it.
   *
   * @param tensor the tensor
   * @param readerIndex the only node that may read it
   * @param perChannel what to subtract, {@code [C]}
   * @return false, and nothing done, where the tensor is not made by a convolution with constant
   *     parameters or is read by other nodes too
   */
  public boolean subtractInConvolution(String tensor, int readerIndex, float[] perChannel) {
    int producerIndex = -1;
    for (int i = 0; i < graph.getNodeCount(); i++) {
      NodeProto node = graph.getNode(i);
      if (node.getOutputList().contains(tensor)) {
        producerIndex = i;
      } else if (i != readerIndex && tensorsRead(node).contains(tensor)) {
        return false;
      }
    }
    if (producerIndex < 0
        || replacements.containsKey(producerIndex)
        || graph.getOutputList().stream().anyMatch(o -> o.getName().equals(tensor))) {
      return false;
    }
    NodeProto producer = graph.getNode(producerIndex);
    if (!producer.getOpType().equals("Conv") || !OnnxModel.isDefaultDomain(producer.getDomain())) {
      return false;
    }
    float[] bias = new float[perChannel.length];
    boolean hasBias = producer.getInputCount() > 2 && !producer.getInput(2).isEmpty();
    if (hasBias) {
      Optional<float[]> constant = originals.vector(producer.getInput(2));
      if (constant.isEmpty() || constant.get().length != bias.length) {
        return false;
      }
      bias = constant.get().clone();
    }
    for (int c = 0; c < bias.length; c++) {
      bias[c] -= perChannel[c];
    }
    String name =
        constant(producer.getOutput(0) + "/centred_bias", Constants.tensor(bias, bias.length));
    NodeProto.Builder centred = producer.toBuilder();
    if (producer.getInputCount() > 2) {
      centred.setInput(2, name);
    } else {
      centred.addInput(name);
    }
    replace(producerIndex, List.of(centred.build()));
    return true;
  }

  /** The tensors that a node reads: its inputs, and what its branches or loop body use. */
  public static Set<String> tensorsRead(NodeProto node) {
    Set<String> read = new LinkedHashSet<>();
    collectUses(node, read);
    return read;
  }

  /** Puts {@code nodes} after all others. */
  public void append(List<NodeProto> nodes) {
    last.addAll(nodes);
  }

  /**
   * Declares an input under exactly this name.
   *
   * @throws InvalidInputException when the model uses the name already
   */
  public void addInput(String name, ElementType type, long... shape) {
    addInput(name, type, dimensions(shape));
  }

  /**
   * Declares an input under exactly this name, with axes that may share symbols with other inputs.
   *
   * @throws InvalidInputException when the model uses the name already
   */
  public void addInput(String name, ElementType type, List<Dimension> shape) {
    if (!names.add(name)) {
      throw new InvalidInputException(
          model.name() + ": already has a tensor '" + name + "': is it adapted already?");
    }
    graph.addInput(valueInfo(name, type, shape));
  }

  /** Declares an existing tensor as output; -1 stands for a size that is not fixed. */
  public void addOutput(String name, ElementType type, long... shape) {
    names.add(name);
    graph.addOutput(valueInfo(name, type, dimensions(shape)));
  }

  private static List<Dimension> dimensions(long... shape) {
    return Arrays.stream(shape)
        .mapToObj(size -> size < 0 ? Dimension.symbolic("") : Dimension.fixed(size))
        .toList();
  }

  /** Keeps only these of the outputs declared so far. */
  public void retainOutputs(Set<String> keep) {
    List<ValueInfoProto> kept =
        graph.getOutputList().stream().filter(output -> keep.contains(output.getName())).toList();
    graph.clearOutput().addAllOutput(kept);
  }

  /** How a graph declares an input or output. */
  public static ValueInfoProto valueInfo(String name, ElementType type, List<Dimension> shape) {
    TensorShapeProto.Builder dims = TensorShapeProto.newBuilder();
    for (Dimension size : shape) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      if (size.isFixed()) {
        dimension.setDimValue(size.size());
      } else if (!size.symbol().isEmpty()) {
        dimension.setDimParam(size.symbol());
      }
      dims.addDim(dimension);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.onnxCode()).setShape(dims)))
        .build();
  }

  /** Adds a constant tensor, or finds the equal one added before; returns its name. */
  public String constant(String wantedName, TensorProto value) {
    return constants.computeIfAbsent(
        value,
        v -> {
          String name = freshName(wantedName);
          graph.addInitializer(v.toBuilder().setName(name));
          return name;
        });
  }

  /** Replaces an initializer's values, or adds it. */
  public void setInitializer(TensorProto tensor) {
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      if (graph.getInitializer(i).getName().equals(tensor.getName())) {
        graph.setInitializer(i, tensor);
        return;
      }
    }
    names.add(tensor.getName());
    graph.addInitializer(tensor);
  }

  public void setMetadata(String key, String value) {
    metadata.put(key, value);
  }

  /** Parameters that only replaced nodes read; declared inputs stay, callers may feed them. */
  private static void dropUnusedInitializers(GraphProto.Builder graph) {
    Set<String> used = new HashSet<>();
    collectUses(graph.build(), used);
    graph.getInputList().forEach(input -> used.add(input.getName()));
    List<TensorProto> kept =
        graph.getInitializerList().stream().filter(t -> used.contains(t.getName())).toList();
    graph.clearInitializer().addAllInitializer(kept);
  }

  private static void collectUses(GraphProto part, Set<String> used) {
    part.getOutputList().forEach(output -> used.add(output.getName()));
    part.getNodeList().forEach(node -> collectUses(node, used));
  }

  private static void collectUses(NodeProto node, Set<String> used) {
    used.addAll(node.getInputList());
    node.getAttributeList()
        .forEach(
            attribute -> {
              if (attribute.hasG()) {
                collectUses(attribute.getG(), used);
              }
              attribute.getGraphsList().forEach(graph -> collectUses(graph, used));
            });
  }

  /** The edited model. */
  public OnnxModel build() {
    GraphProto.Builder edited = graph.clone();
    edited.clearNode().addAllNode(first);
    for (int i = 0; i < graph.getNodeCount(); i++) {
      List<NodeProto> replacement = replacements.get(i);
      if (replacement == null) {
        edited.addNode(graph.getNode(i));
      } else {
        edited.addAllNode(replacement);
      }
    }
    edited.addAllNode(last);
    dropUnusedInitializers(edited);
    ModelProto.Builder result = proto.clone().setGraph(edited);
    result.setIrVersion(Math.max(proto.getIrVersion(), IR_WITH_FREE_INITIALIZERS));
    metadata.forEach(
        (key, value) -> {
          for (int i = result.getMetadataPropsCount() - 1; i >= 0; i--) {
            if (result.getMetadataProps(i).getKey().equals(key)) {
              result.removeMetadataProps(i);
            }
          }
          result.addMetadataProps(StringStringEntryProto.newBuilder().setKey(key).setValue(value));
        });
    return OnnxModel.of(result.build(), model.name());
  }
}
