package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.List;

/**
 * A rule that turns gradients into steps, written as graph nodes. What it remembers from step to
 * step are its slots: tensors that go in with their present values and come out with the next.
 *
 * <p>All rules work element by element, so a parameter may be a packed tensor that holds many.
 */
public sealed interface Optimizer permits Sgd, Adam {

  /**
   * A value that the optimizer keeps for each parameter.
   *
   * @param name such as {@code momentum}
   * @param perElement true for a tensor of the parameter's shape, false for a scalar; a scalar's
   *     next value depends on nothing else, so that parameters which always step together may share
   *     one
   * @param start every element's value before the first step
   */
  record Slot(String name, boolean perElement, float start) {}

  /**
   * The tensors after a step.
   *
   * @param parameter the parameter
   * @param slots in the order of {@link #slots}
   */
  record Step(String parameter, List<String> slots) {
    public Step {
      slots = List.copyOf(slots);
    }
  }

  /** What is kept for each parameter. */
  List<Slot> slots();

  /**
   * Writes one step.
   *
   * @param parameter its value before, float32
   * @param gradient of the parameter's shape
   * @param slots their values before, in the order of {@link #slots}
   * @param learningRate a scalar tensor, so that it may be a constant, an input or a schedule's
   */
  Step write(
      OperatorWriter write,
      String parameter,
      String gradient,
      List<String> slots,
      String learningRate);

  /** {@code gradient + decay * parameter}: a penalty on squared parameters. */
  static String decayed(OperatorWriter write, String parameter, String gradient, double decay) {
    return decay == 0
        ? gradient
        : write.add(gradient, write.mul(parameter, write.constant((float) decay)));
  }
}
