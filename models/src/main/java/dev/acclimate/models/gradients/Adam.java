package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.List;

/**
 * Adam (Kingma and Ba 2015) as PyTorch's {@code Adam}: moving averages m of the gradient and v of
 * its square, both freed of the bias towards their start at 0, and {@code p <- p - rate * m /
 * (sqrt(v) + epsilon)}.
 *
 * @param beta1 weight of the past in m, in [0, 1)
 * @param beta2 weight of the past in v, in [0, 1)
 * @param epsilon keeps the quotient finite
 * @param weightDecay what the gradient gains per unit of the parameter
 */
public record Adam(double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {

  /** With the published settings: 0.9, 0.999 and 1e-8. */
  public static Adam standard() {
    return new Adam(0.9, 0.999, 1e-8, 0);
  }

  @Override
  public List<Slot> slots() {
    return List.of(
        new Slot("first_moment", true, 0),
        new Slot("second_moment", true, 0),
        new Slot("steps", false, 0));
  }

  @Override
  public Step write(
      OperatorWriter write,
      String parameter,
      String gradient,
      List<String> slots,
      String learningRate) {
    String slope = Optimizer.decayed(write, parameter, gradient, weightDecay);
    String first = average(write, slots.get(0), slope, beta1);
    String second = average(write, slots.get(1), write.mul(slope, slope), beta2);
    String steps = write.add(slots.get(2), write.constant(1f));
    String deviation = write.sqrt(write.div(second, gathered(write, steps, beta2)));
    String rate = write.div(learningRate, gathered(write, steps, beta1));
    String scaled = write.div(first, write.add(deviation, write.constant((float) epsilon)));
    return new Step(write.sub(parameter, write.mul(scaled, rate)), List.of(first, second, steps));
  }

  private static String average(OperatorWriter write, String past, String newest, double beta) {
    return write.add(
        write.mul(past, write.constant((float) beta)),
        write.mul(newest, write.constant((float) (1 - beta))));
  }

  /**
   * {@code 1 - beta^steps}, the weight that an average has gathered. With h = tanh(x / 2) it is
   * {@code 1 - e^-x = 2 h / (1 + h)}: the power itself lies so close to 1 at first that float32
   * would lose three digits in the difference.
   */
  private static String gathered(OperatorWriter write, String steps, double beta) {
    float rate = (float) (beta == 0 ? 100 : -Math.log(beta) / 2);
    String half = write.node("Tanh", write.mul(steps, write.constant(rate)));
    return write.div(write.add(half, half), write.add(half, write.constant(1f)));
  }
}
