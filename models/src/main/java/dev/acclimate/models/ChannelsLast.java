package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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

  private ChannelsLast() {}

  /** The model with such transpositions moved; it computes the same. */
  public static OnnxModel sinkTranspositions(OnnxModel model) {
    GraphProto graph = model.graph();
    Set<String> names = new HashSet<>();
    graph.getNodeList().forEach(node -> names.addAll(node.getOutputList()));
    Set<String> fourAxes = activationsOfFourAxes(model);
    Map<String, String> channelsLast = new HashMap<>(); // by the name of the tensor as [B, C, H, W]
    List<NodeProto> nodes = new ArrayList<>();
    for (NodeProto node : graph.getNodeList()) {
      if (isToChannelsFirst(node)) {
        channelsLast.put(node.getOutput(0), node.getInput(0));
        nodes.add(node);
      } else if (isElementwise(node)
          && node.getInputList().stream().anyMatch(channelsLast::containsKey)
          && node.getInputList().stream()
              .allMatch(input -> channelsLast.containsKey(input) || fourAxes.contains(input))) {
        for (String input : node.getInputList()) {
          // one operand has to be transposed either way; this way what follows stays channels last
          if (!channelsLast.containsKey(input)) {
            String transposed = fresh(names, input + "/channels_last");
            nodes.add(transposition(input, transposed, 0, 2, 3, 1));
            channelsLast.put(input, transposed);
          }
        }
        String output = fresh(names, node.getOutput(0) + "/channels_last");
        NodeProto.Builder moved = node.toBuilder().clearInput().clearOutput().addOutput(output);
        node.getInputList().forEach(input -> moved.addInput(channelsLast.get(input)));
        nodes.add(moved.build());
        nodes.add(transposition(output, node.getOutput(0), 0, 3, 1, 2));
        channelsLast.put(node.getOutput(0), output);
      } else {
        nodes.add(node);
      }
    }
    GraphProto.Builder edited = graph.toBuilder().clearNode().addAllNode(live(graph, nodes));
    return OnnxModel.of(model.proto().toBuilder().setGraph(edited).build(), model.name());
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

  private static String fresh(Set<String> names, String wanted) {
    String name = wanted;
    for (int i = 1; !names.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
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
