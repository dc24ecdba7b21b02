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
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

  public GraphEditor(OnnxModel model) {
    this.model = model;
    this.proto = model.proto().toBuilder();
    this.graph = model.graph().toBuilder();
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

  /** The node at {@code index}, or what it was last replaced with when that is a single node. */
  public NodeProto node(int index) {
    List<NodeProto> replaced = replacements.get(index);
    if (replaced == null) {
      return graph.getNode(index);
    }
    if (replaced.size() != 1) {
      throw new IllegalStateException("node " + index + " was replaced by " + replaced.size());
    }
    return replaced.get(0);
  }

  /** Puts {@code nodes} before all others. */
  public void prepend(List<NodeProto> nodes) {
    first.addAll(nodes);
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
    if (!names.add(name)) {
      throw new InvalidInputException(
          model.name() + ": already has a tensor '" + name + "': is it adapted already?");
    }
    graph.addInput(valueInfo(name, type, shape));
  }

  /** Declares an existing tensor as output. */
  public void addOutput(String name, ElementType type, long... shape) {
    names.add(name);
    graph.addOutput(valueInfo(name, type, shape));
  }

  /** Declares an existing tensor as output, leaving type and shape to inference. */
  public void addOutput(String name) {
    names.add(name);
    graph.addOutput(ValueInfoProto.newBuilder().setName(name));
  }

  /** Keeps only these outputs. */
  public void retainOutputs(Set<String> keep) {
    List<ValueInfoProto> kept =
        graph.getOutputList().stream().filter(o -> keep.contains(o.getName())).toList();
    graph.clearOutput().addAllOutput(kept);
  }

  private static ValueInfoProto valueInfo(String name, ElementType type, long... shape) {
    TensorShapeProto.Builder dims = TensorShapeProto.newBuilder();
    for (long size : shape) {
      dims.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(size));
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
