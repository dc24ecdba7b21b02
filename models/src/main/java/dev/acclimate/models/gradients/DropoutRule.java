package dev.acclimate.models.gradients;

/** Dropout in inference, where it drops nothing. */
final class DropoutRule implements GradientRule {

  @Override
  public void check(NodeGradient node) {
    if (node.hasInput(2)
        && node.constants().scalar(node.input(2)).filter(training -> training == 0).isEmpty()) {
      throw node.unsupported("training_mode other than a constant false");
    }
  }

  @Override
  public void backward(NodeGradient node) {
    node.give(0, node.gradient());
  }
}
