package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Padding with a constant: the gradient loses what was added and regains zeros for what was cut.
 */
final class PadRule implements GradientRule {

  @Override
  public void check(NodeGradient node) {
    String mode = node.text("mode", "constant");
    if (!mode.equals("constant")) {
      throw node.unsupported("mode " + mode + ": expected constant");
    }
    if (node.wants(2)) {
      throw node.unsupported("the padding's value leads to a parameter");
    }
  }

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    List<String> inputs = new ArrayList<>();
    inputs.add(node.gradient());
    inputs.add(write.node("Neg", node.input(1)));
    if (node.hasInput(3)) {
      inputs.add("");
      inputs.add(node.input(3));
    }
    node.give(0, write.emit("Pad", inputs));
  }
}
