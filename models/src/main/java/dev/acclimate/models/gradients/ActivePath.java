package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.GraphEditor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** The part of a graph that lies between chosen tensors and a loss: what has to be walked back. */
final class ActivePath {
  private final Set<String> dependent = new HashSet<>();
  private final Set<String> reached = new HashSet<>();
  private final List<NodeProto> nodes = new ArrayList<>();

  /**
   * Finds the path.
   *
   * @param differentiable tensors that carry gradients: those of real numbers
   */
  ActivePath(
      GraphProto graph,
      String loss,
      Collection<String> parameters,
      Predicate<String> differentiable) {
    parameters.stream().filter(differentiable).forEach(dependent::add);
    for (NodeProto node : graph.getNodeList()) {
      if (!GradientRules.isConstant(node) && readsDependent(node)) {
        node.getOutputList().stream()
            .filter(output -> !output.isEmpty() && differentiable.test(output))
            .forEach(dependent::add);
      }
    }
    reached.add(loss);
    for (int i = graph.getNodeCount() - 1; i >= 0; i--) {
      NodeProto node = graph.getNode(i);
      if (node.getOutputList().stream().anyMatch(this::carriesGradient)
          && !GradientRules.isConstant(node)
          && readsDependent(node)) {
        nodes.add(node);
        reached.addAll(GraphEditor.tensorsRead(node));
      }
    }
  }

  private boolean readsDependent(NodeProto node) {
    return GraphEditor.tensorsRead(node).stream().anyMatch(dependent::contains);
  }

  /** The nodes on the path, last one first. */
  List<NodeProto> nodes() {
    return nodes;
  }

  /** True for tensors on the path: the parameters move them, and they move the loss. */
  boolean carriesGradient(String tensor) {
    return dependent.contains(tensor) && reached.contains(tensor);
  }
}
