package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * What gradients cost: forward and backward passes of ResNet-20, batch 64, one thread, as multiples
 * of the frozen forward pass of the same round. The loss is cross-entropy; others cost the same.
 * What an optimiser does with the gradients comes on top, a millisecond or less. Not part of the
 * build, whose tests end in {@code Test}:
 *
 * <pre>{@code
 * mvn -q test -pl models -Dtest=GradientStepBenchmark
 * }</pre>
 */
class GradientStepBenchmark {
  private static final int BATCH = 64;
  private static final int WARM_UP_ROUNDS = 3;
  private static final int ROUNDS = 21;

  @Test
  void stepsAsMultiplesOfTheFrozenForward() {
    OnnxModel model = Network.RESNET20.read();
    Map<String, OnnxModel> passes = new LinkedHashMap<>();
    passes.put("frozen forward", model);
    passes.put(
        "gradients of gamma and beta", TrainingGraph.of(model, Network.affine(model), 0).model());
    passes.put("gradients of all parameters", TrainingGraph.of(model, all(model), 0).model());
    double[][] millis = time(model, passes);
    int row = 0;
    for (String pass : passes.keySet()) {
      double[] ratios = new double[ROUNDS];
      for (int round = 0; round < ROUNDS; round++) {
        ratios[round] = millis[row][round] / millis[0][round];
      }
      System.out.printf("%-32s %7.1f ms %6.2f%n", pass, median(millis[row]), median(ratios));
      row++;
    }
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static double[][] time(OnnxModel model, Map<String, OnnxModel> passes) {
    double[][] millis = new double[passes.size()][ROUNDS];
    ModelSession[] sessions =
        passes.values().stream()
            .map(pass -> ModelSession.open(pass, new SessionSettings(ExecutionProvider.CPU, 1)))
            .toArray(ModelSession[]::new);
    Map<String, Tensor> feeds = new HashMap<>();
    for (ModelSession session : sessions) {
      session
          .inputs()
          .forEach(input -> feeds.computeIfAbsent(input.name(), n -> feed(model, input)));
    }
    for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (int i = 0; i < sessions.length; i++) {
        long begin = System.nanoTime();
        sessions[i].run(feeds);
        if (round >= 0) {
          millis[i][round] = (System.nanoTime() - begin) / 1e6;
        }
      }
    }
    for (ModelSession session : sessions) {
      session.close();
    }
    return millis;
  }

  /** A parameter's value, class 0 for labels, and random numbers for the rest. */
  private static Tensor feed(OnnxModel model, TensorInfo input) {
    long[] shape =
        input.dimensions().stream().mapToLong(d -> d.isFixed() ? d.size() : BATCH).toArray();
    Tensor tensor = Tensor.allocate(input.type(), shape);
    if (input.type() == ElementType.FP32) {
      PlainArray values =
          model.graph().getInitializerList().stream()
              .filter(t -> t.getName().equals(input.name()))
              .findFirst()
              .map(PlainArray::of)
              .orElseGet(() -> PlainArray.random(new Random(1), (int) tensor.elements()));
      for (int i = 0; i < values.values().length; i++) {
        tensor.floats().put(i, (float) values.values()[i]);
      }
    }
    return tensor;
  }

  private static Set<String> all(OnnxModel model) {
    Set<String> parameters = Network.affine(model);
    for (NodeProto node : model.graph().getNodeList()) {
      if (node.getOpType().equals("Conv") || node.getOpType().equals("Gemm")) {
        parameters.addAll(node.getInputList().subList(1, node.getInputCount()));
      }
    }
    return parameters;
  }
}
