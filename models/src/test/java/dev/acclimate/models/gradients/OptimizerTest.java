package dev.acclimate.models.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;

/** Steps in the graph against PyTorch's formulas in double precision. */
class OptimizerTest {
  private static final int STEPS = 6;

  /** PyTorch's update of one number. */
  private interface PlainRule {
    double step(double parameter, double gradient, double rate);
  }

  /** {@code torch.optim.SGD} with dampening 0. */
  private static PlainRule plain(Sgd sgd) {
    return new PlainRule() {
      private double buffer;

      @Override
      public double step(double parameter, double gradient, double rate) {
        double g = gradient + sgd.weightDecay() * parameter;
        buffer = sgd.momentum() * buffer + g;
        double direction = sgd.nesterov() ? g + sgd.momentum() * buffer : buffer;
        return parameter - rate * direction;
      }
    };
  }

  /** {@code torch.optim.Adam}. */
  private static PlainRule plain(Adam adam) {
    return new PlainRule() {
      private double first;
      private double second;
      private int steps;

      @Override
      public double step(double parameter, double gradient, double rate) {
        double g = gradient + adam.weightDecay() * parameter;
        steps++;
        first = adam.beta1() * first + (1 - adam.beta1()) * g;
        second = adam.beta2() * second + (1 - adam.beta2()) * g * g;
        double bias1 = 1 - Math.pow(adam.beta1(), steps);
        double bias2 = 1 - Math.pow(adam.beta2(), steps);
        double denominator = Math.sqrt(second) / Math.sqrt(bias2) + adam.epsilon();
        return parameter - rate / bias1 * first / denominator;
      }
    };
  }

  /** Parameter values after each step, by ONNX Runtime. */
  private static List<float[]> trajectory(
      Optimizer optimizer, float[] start, List<float[]> gradients, float rate) {
    GraphEditor editor =
        new GraphEditor(
            OnnxModel.of(
                ModelProto.newBuilder()
                    .setIrVersion(8)
                    .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
                    .setGraph(GraphProto.newBuilder().setName("step"))
                    .build(),
                "step"));
    editor.addInput("parameter", ElementType.FP32, start.length);
    editor.addInput("gradient", ElementType.FP32, start.length);
    editor.addInput("rate", ElementType.FP32);
    List<String> slots = new ArrayList<>();
    Map<String, Tensor> feeds = new HashMap<>();
    for (Optimizer.Slot slot : optimizer.slots()) {
      long[] shape = slot.perElement() ? new long[] {start.length} : new long[0];
      editor.addInput(slot.name(), ElementType.FP32, shape);
      slots.add(slot.name());
      Tensor tensor = Tensor.allocate(ElementType.FP32, shape);
      for (int i = 0; i < tensor.elements(); i++) {
        tensor.floats().put(i, slot.start());
      }
      feeds.put(slot.name(), tensor);
    }
    OperatorWriter write = editor.writer("");
    Optimizer.Step step = optimizer.write(write, "parameter", "gradient", slots, "rate");
    editor.append(write.nodes());
    editor.addOutput(step.parameter(), ElementType.FP32, start.length);
    for (int i = 0; i < slots.size(); i++) {
      long[] shape =
          optimizer.slots().get(i).perElement() ? new long[] {start.length} : new long[0];
      editor.addOutput(step.slots().get(i), ElementType.FP32, shape);
    }
    feeds.put("parameter", Tensor.of(start.clone(), start.length));
    feeds.put("rate", Tensor.of(new float[] {rate}));
    List<float[]> values = new ArrayList<>();
    try (ModelSession session =
        ModelSession.open(editor.build(), new SessionSettings(ExecutionProvider.CPU, 1))) {
      for (float[] gradient : gradients) {
        feeds.put("gradient", Tensor.of(gradient, gradient.length));
        Map<String, Tensor> results = session.run(feeds);
        tensor(feeds, "parameter").set(tensor(results, step.parameter()));
        for (int i = 0; i < slots.size(); i++) {
          tensor(feeds, slots.get(i)).set(tensor(results, step.slots().get(i)));
        }
        float[] after = new float[start.length];
        tensor(feeds, "parameter").floats().get(0, after);
        values.add(after);
      }
    }
    return values;
  }

  private static Tensor tensor(Map<String, Tensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  /** The way of the parameters stays within float32 rounding of the plain one. */
  private static void check(
      Optimizer optimizer, List<PlainRule> plain, long seed, int size, float rate) {
    Random random = new Random(seed);
    float[] start = PlainArray.random(random, size).floats();
    List<float[]> gradients = new ArrayList<>();
    for (int i = 0; i < STEPS; i++) {
      gradients.add(PlainArray.random(random, size).floats());
    }

    List<float[]> found = trajectory(optimizer, start, gradients, rate);

    for (int element = 0; element < size; element++) {
      double value = start[element];
      for (int step = 0; step < STEPS; step++) {
        value = plain.get(element).step(value, gradients.get(step)[element], rate);
        double moved = Math.abs(value - start[element]);
        assertThat((double) found.get(step)[element])
            .as("element %s after step %s of %s", element, step + 1, optimizer)
            .isCloseTo(value, within(1e-5 * moved + 1e-6 * Math.abs(value) + 1e-6 * rate));
      }
    }
  }

  private static List<PlainRule> rules(Optimizer optimizer, int size) {
    List<PlainRule> rules = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      rules.add(optimizer instanceof Sgd sgd ? plain(sgd) : plain((Adam) optimizer));
    }
    return rules;
  }

  @Property(tries = 20, seed = "1")
  void gradientDescentStepsAsPyTorchs(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int size,
      @ForAll @DoubleRange(min = 0, max = 0.95) double momentum,
      @ForAll boolean nesterov,
      @ForAll @DoubleRange(min = 0, max = 0.1) double decay) {
    Sgd sgd = new Sgd(momentum, nesterov && momentum > 0, decay);
    check(sgd, rules(sgd, size), seed, size, 0.01f);
  }

  @Property(tries = 20, seed = "1")
  void adamStepsAsPyTorchs(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int size,
      @ForAll @DoubleRange(min = 0, max = 0.95) double beta1,
      @ForAll @DoubleRange(min = 0.5, max = 0.9999) @Scale(4) double beta2,
      @ForAll @DoubleRange(min = 0, max = 0.1) double decay) {
    Adam adam = new Adam(beta1, beta2, 1e-8, decay);
    check(adam, rules(adam, size), seed, size, 0.01f);
  }
}
