package dev.acclimate.models.gradients;

/** How one operator hands the gradient of its result on to its inputs. */
interface GradientRule {

  /**
   * Refuses forms of the operator that the rule does not know; called for every node before
   * anything is written.
   *
   * @throws dev.acclimate.models.InvalidInputException through {@link NodeGradient#unsupported}
   */
  default void check(NodeGradient node) {}

  /** Writes the gradients of those inputs that are wanted. */
  void backward(NodeGradient node);
}
