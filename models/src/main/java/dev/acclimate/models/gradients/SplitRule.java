package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.List;

/** The parts' gradients joined again, zeros where a part does not move the loss. */
final class SplitRule implements GradientRule {

  @Override
  public boolean ofManyOutputs() {
    return true;
  }

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    int axis = NodeGradient.axis(node.integer("axis", 0), node.shape(node.input(0)).rank());
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < node.outputs(); i++) {
      String part = node.gradient(i);
      parts.add(part == null ? SelectionRules.zerosLike(node, node.output(i)) : part);
    }
    node.give(0, write.concat(axis, parts));
  }
}
