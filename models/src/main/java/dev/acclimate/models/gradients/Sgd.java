package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.List;

/**
 * Stochastic gradient descent with momentum as PyTorch's {@code SGD} without dampening: {@code b <-
 * m b + g}, then {@code p <- p - rate b}, or with Nesterov's look ahead {@code p <- p - rate (g + m
 * b)}.
 *
 * @param momentum m, in [0, 1)
 * @param nesterov whether to look ahead (Sutskever et al. 2013)
 * @param weightDecay what the gradient gains per unit of the parameter
 */
public record Sgd(double momentum, boolean nesterov, double weightDecay) implements Optimizer {

  public Sgd {
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException("Nesterov's form needs a momentum above 0");
    }
  }

  /** Without look ahead and weight decay. */
  public static Sgd withMomentum(double momentum) {
    return new Sgd(momentum, false, 0);
  }

  @Override
  public List<Slot> slots() {
    return momentum == 0 ? List.of() : List.of(new Slot("momentum", true, 0));
  }

  @Override
  public Step write(
      OperatorWriter write,
      String parameter,
      String gradient,
      List<String> slots,
      String learningRate) {
    String slope = Optimizer.decayed(write, parameter, gradient, weightDecay);
    if (momentum == 0) {
      return new Step(write.sub(parameter, write.mul(slope, learningRate)), List.of());
    }
    String factor = write.constant((float) momentum);
    String velocity = write.add(write.mul(slots.get(0), factor), slope);
    String direction = nesterov ? write.add(slope, write.mul(velocity, factor)) : velocity;
    return new Step(write.sub(parameter, write.mul(direction, learningRate)), List.of(velocity));
  }
}
