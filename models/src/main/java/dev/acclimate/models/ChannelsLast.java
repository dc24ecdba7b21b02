package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Moves transpositions from {@code [B, H, W, C]} back to {@code [B, C, H, W]} down through
 * elementwise operators, as far as the next convolution.
 *
 * <p>ONNX Runtime's CPU convolutions work on blocks of channels. Between a convolution and an
 * operator that does not know these blocks it reorders the tensor, which for {@code [B, C, H, W]}
 * scatters single numbers, but for {@code [B, H, W, C]} copies whole blocks at a third of the time.
 * A transposition that stands right at a convolution is done by that copy; one that stands further
 * off is a pass of its own.
 */
public final class ChannelsLast {
  private static final List<Long> TO_CHANNELS_FIRST = List.of(0L, 3L, 1L, 2L);
  private static final Set<String> UNARY =
      Set.of("Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Identity");
  private static final Set<String> BINARY = Set.of("Add", "Sub", "Mul", "Sum");

  private final OnnxModel model;
  private final GraphEditor names;
  private final Constants constants;
  private final Set<String> fourAxes;
  private final List<NodeProto> nodes = new ArrayList<>();
  private final List<TensorProto> initializers = new ArrayList<>();

  /** Tensors at hand as {@code [B, H, W, C]}, by their name as {@code [B, C, H, W]}. */
  private final Map<String, String> channelsLast = new HashMap<>();

  private ChannelsLast(OnnxModel model) {
    this.model = model;
    this.names = new GraphEditor(model);
    this.constants = new Constants(model.graph());
    this.fourAxes = activationsOfFourAxes(model);
  }

  /** The model with such transpositions moved; it computes the same. */
  public static OnnxModel sinkTranspositions(OnnxModel model) {
    return new ChannelsLast(model).sink();
  }

  private OnnxModel sink() {
    GraphProto graph = model.graph();
    for (NodeProto node : graph.getNodeList()) {
      if (isToChannelsFirst(node)) {
        channelsLast.put(node.getOutput(0), node.getInput(0));
        nodes.add(node);
      } else if (isElementwise(node)
          && node.getInputList().stream().anyMatch(channelsLast::containsKey)
          && node.getInputList().stream()
              .allMatch(input -> channelsLast.containsKey(input) || fourAxes.contains(input))) {
        moveElementwise(node);
      } else if (!moveSlice(node)) {
        nodes.add(node);
      }
    }
    GraphProto.Builder edited = graph.toBuilder().clearNode().addAllNode(live(graph, nodes));
    edited.addAllInitializer(initializers);
    return OnnxModel.of(model.proto().toBuilder().setGraph(edited).build(), model.name());
  }

  private void moveElementwise(NodeProto node) {
    for (String input : node.getInputList()) {
      // one operand has to be transposed either way; this way what follows stays channels last
      if (!channelsLast.containsKey(input)) {
        String transposed = names.freshName(input + "/channels_last");
        nodes.add(transposition(input, transposed, 0, 2, 3, 1));
        channelsLast.put(input, transposed);
      }
    }
    NodeProto.Builder moved = node.toBuilder().clearInput();
    node.getInputList().forEach(input -> moved.addInput(channelsLast.get(input)));
    addMoved(moved, node.getOutput(0));
  }

  /** Cuts before transposing: shortcuts that skip pixels leave a quarter to be transposed. */
  private boolean moveSlice(NodeProto node) {
    if (!node.getOpType().equals("Slice")
        || !OnnxModel.isDefaultDomain(node.getDomain())
        || node.getInputCount() < 4
        || !channelsLast.containsKey(node.getInput(0))) {
      return false;
    }
    Optional<long[]> axes = constants.integers(node.getInput(3));
    if (axes.isEmpty()) {
      return false;
    }
    long[] moved = axes.get().clone();
    for (int i = 0; i < moved.length; i++) {
      // where an axis of [B, C, H, W] lies in [B, H, W, C]
      moved[i] =
          switch ((int) Math.floorMod(axes.get()[i], 4L)) {
            case 1 -> 3;
            case 2 -> 1;
            case 3 -> 2;
            default -> 0;
          };
    }
    String name = names.freshName(node.getOutput(0) + "/axes");
    initializers.add(Constants.tensor(moved).toBuilder().setName(name).build());
    addMoved(
        node.toBuilder().setInput(0, channelsLast.get(node.getInput(0))).setInput(3, name),
        node.getOutput(0));
    return true;
  }

  /** Adds a node that now works on channels last, and the way back for those who need it. */
  private void addMoved(NodeProto.Builder node, String channelsFirst) {
    String output = names.freshName(channelsFirst + "/channels_last");
    nodes.add(node.clearOutput().addOutput(output).build());
    nodes.add(transposition(output, channelsFirst, 0, 3, 1, 2));
    channelsLast.put(channelsFirst, output);
  }

  private static NodeProto transposition(String from, String to, long... permutation) {
    return NodeProto.newBuilder()
        .setOpType("Transpose")
        .setName(to + "/transposition")
        .addInput(from)
        .addOutput(to)
        .addAttribute(OperatorWriter.integers("perm", permutation))
        .build();
  }

  /** Operands of elementwise nodes that are known to be {@code [B, C, H, W]}. */
  private static Set<String> activationsOfFourAxes(OnnxModel model) {
    Set<String> produced = new HashSet<>();
    model.graph().getNodeList().forEach(node -> produced.addAll(node.getOutputList()));
    List<String> operands =
        model.graph().getNodeList().stream()
            .filter(node -> isElementwise(node) && node.getInputCount() > 1)
            .flatMap(node -> node.getInputList().stream())
            .filter(produced::contains)
            .distinct()
            .toList();
    Set<String> fourAxes = new HashSet<>();
    ShapeInference.infer(model, operands)
        .forEach(
            (name, info) -> {
              if (info.rank() == 4 && operands.contains(name)) {
                fourAxes.add(name);
              }
            });
    return fourAxes;
  }

  private static boolean isToChannelsFirst(NodeProto node) {
    return node.getOpType().equals("Transpose")
        && OnnxModel.isDefaultDomain(node.getDomain())
        && node.getAttributeCount() == 1
        && node.getAttribute(0).getIntsList().equals(TO_CHANNELS_FIRST);
  }

  private static boolean isElementwise(NodeProto node) {
    return OnnxModel.isDefaultDomain(node.getDomain())
        && node.getOutputCount() == 1
        && (UNARY.contains(node.getOpType()) || BINARY.contains(node.getOpType()));
  }

  /** The nodes that an output depends on: moved transpositions leave others without readers. */
  private static List<NodeProto> live(GraphProto graph, List<NodeProto> nodes) {
    Set<String> read = new HashSet<>();
    graph.getOutputList().stream().map(ValueInfoProto::getName).forEach(read::add);
    List<NodeProto> live = new ArrayList<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      NodeProto node = nodes.get(i);
      boolean branches =
          node.getAttributeList().stream().anyMatch(a -> a.hasG() || a.getGraphsCount() > 0);
      if (branches) {
        return nodes; // branches read outer tensors by name: better keep everything
      }
      if (node.getOutputList().stream().anyMatch(read::contains)) {
        read.addAll(node.getInputList());
        live.add(node);
      }
    }
    Collections.reverse(live);
    return live;
  }
}
