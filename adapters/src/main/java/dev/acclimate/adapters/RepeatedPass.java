package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A part of a graph once more, with other tensors in the place of some: only the nodes that these
 * move and that lead to what is wanted are repeated, all others are shared.
 */
final class RepeatedPass {
  private final List<NodeProto> nodes = new ArrayList<>();
  private final Map<String, String> names;

  /**
   * Repeats a part of {@code model}.
   *
   * @param substitutes by the tensors whose place they take
   * @param wanted the results asked for
   * @param editor gives names
   */
  RepeatedPass(
      OnnxModel model,
      Map<String, String> substitutes,
      Collection<String> wanted,
      GraphEditor editor) {
    this.names = new HashMap<>(substitutes);
    for (NodeProto node : affected(model, substitutes.keySet(), wanted)) {
      NodeProto.Builder copy = node.toBuilder().clearInput().clearOutput();
      node.getInputList().forEach(input -> copy.addInput(name(input)));
      for (String output : node.getOutputList()) {
        String again = output.isEmpty() ? "" : editor.freshName(output + "/again");
        names.put(output, again);
        copy.addOutput(again);
      }
      nodes.add(copy.setName(editor.freshName(node.getName() + "/again")).build());
    }
  }

  private static List<NodeProto> affected(
      OnnxModel model, Set<String> substituted, Collection<String> wanted) {
    Set<String> moved = new HashSet<>(substituted);
    List<NodeProto> moving = new ArrayList<>();
    for (NodeProto node : model.graph().getNodeList()) {
      if (GraphEditor.tensorsRead(node).stream().anyMatch(moved::contains)) {
        refuseBranches(model, node);
        moving.add(node);
        moved.addAll(node.getOutputList());
      }
    }
    Set<String> needed = new HashSet<>(wanted);
    List<NodeProto> affected = new ArrayList<>();
    for (int i = moving.size() - 1; i >= 0; i--) {
      NodeProto node = moving.get(i);
      if (node.getOutputList().stream().anyMatch(needed::contains)) {
        needed.addAll(node.getInputList());
        affected.add(node);
      }
    }
    Collections.reverse(affected);
    return affected;
  }

  private static void refuseBranches(OnnxModel model, NodeProto node) {
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.hasG() || attribute.getGraphsCount() > 0) {
        throw new InvalidInputException(
            "%s: node '%s' (%s) has branches, so its pass cannot be repeated: use steps=1"
                .formatted(model.name(), node.getName(), node.getOpType()));
      }
    }
  }

  /** The repeated nodes, in an order that runs. */
  List<NodeProto> nodes() {
    return nodes;
  }

  /** What a tensor is called in this pass. */
  String name(String tensor) {
    return names.getOrDefault(tensor, tensor);
  }
}
