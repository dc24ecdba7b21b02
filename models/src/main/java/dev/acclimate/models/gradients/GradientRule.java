package dev.acclimate.models.gradients;

/** How one operator hands the gradient of its result on to its inputs. */
@FunctionalInterface
interface GradientRule {

  /**
   * Refuses forms of the operator that the rule does not know; called for every node before
   * anything is written.
   *
   * @throws dev.acclimate.models.InvalidInputException through {@link NodeGradient#unsupported}
   */
  default void check(NodeGradient node) {}

  /** False where gradients come back through the first output only. */
  default boolean ofManyOutputs() {
    return false;
  }

  /** Writes the gradients of those inputs that are wanted. */
  void backward(NodeGradient node);
}
