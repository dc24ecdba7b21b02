package dev.acclimate.agent;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Calibrator;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.learning.LabelledBatch;
import dev.acclimate.adapters.learning.Learner;
import dev.acclimate.adapters.learning.LearningGraph;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.LearningSettings;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Times batches of random numbers, one after another through every method, round by round. The
 * ratio is the median of the rounds' own ratios, in which slow moments of the machine cancel.
 */
final class Benchmark {
  private static final int WARM_UP_ROUNDS = 5;
  private static final String SOURCE = "source";

  private final OnnxModel model;
  private final List<String> methods;
  private final List<String> learningMethods;
  private final int batchSize;
  private final long[] openSizes;
  private final SessionSettings settings;

  /**
   * One method's times.
   *
   * @param method as the user wrote it, a learning method with "learning" before
   * @param batchSize samples a batch
   * @param medianMillis of one batch
   * @param ratioToSource median over rounds of this method's time over the frozen model's
   * @param addedMebibytes by how much opening the model and running a first batch raised the most
   *     memory that the process has had resident; 0 where the system does not tell
   */
  record Row(
      String method,
      int batchSize,
      double medianMillis,
      double ratioToSource,
      long addedMebibytes) {}

  Benchmark(
      OnnxModel model,
      List<String> methods,
      List<String> learningMethods,
      int batchSize,
      long[] openSizes,
      SessionSettings settings) {
    this.model = model;
    this.methods = new ArrayList<>(methods);
    if (!methods.contains(SOURCE)) {
      this.methods.add(0, SOURCE); // the ratios need it
    }
    this.learningMethods = learningMethods;
    this.batchSize = batchSize;
    this.openSizes = openSizes.clone();
    this.settings = settings.forBatchesOf(batchSize);
  }

  /** What is timed: something that takes one batch. */
  private record Contestant(String name, Runnable batch, Runnable close) {}

  List<Row> run(int rounds) {
    List<Supplier<Contestant>> openers = new ArrayList<>();
    Map<String, Tensor> batch = randomBatch();
    for (String method : methods) {
      Method parsed = Method.parse(method);
      openers.add(() -> adapting(method, parsed, batch));
    }
    for (String method : learningMethods) {
      LearningMethod parsed = LearningMethod.parse(method);
      openers.add(() -> learning(method, parsed));
    }
    List<Contestant> contestants = new ArrayList<>();
    List<Long> memory = new ArrayList<>();
    try {
      for (Supplier<Contestant> opener : openers) {
        long before = PeakMemory.mebibytes().orElse(0L);
        contestants.add(opener.get());
        contestants.get(contestants.size() - 1).batch().run();
        memory.add(PeakMemory.mebibytes().orElse(0L) - before);
      }
      double[][] millis = new double[contestants.size()][rounds];
      for (int round = -WARM_UP_ROUNDS; round < rounds; round++) {
        for (int i = 0; i < contestants.size(); i++) {
          long begin = System.nanoTime();
          contestants.get(i).batch().run();
          double time = (System.nanoTime() - begin) / 1e6;
          if (round >= 0) {
            millis[i][round] = time;
          }
        }
      }
      return rows(contestants.stream().map(Contestant::name).toList(), millis, memory);
    } finally {
      contestants.forEach(contestant -> contestant.close().run());
      batch.values().forEach(Tensor::close);
    }
  }

  private Contestant adapting(String name, Method method, Map<String, Tensor> batch) {
    AdaptedModel adapted = AdaptedModel.adapt(model, method);
    Calibration calibration = calibration(method, batch);
    AdaptiveModel opened =
        AdaptiveModel.open(adapted, adapted.initialState(0, calibration), settings);
    return new Contestant(name, () -> opened.run(batch), opened::close);
  }

  /** Full steps, of all parameters, on labels; so small that numbers stay finite. */
  private Contestant learning(String name, LearningMethod method) {
    LearningGraph graph =
        LearningGraph.of(
            model,
            new LearningSettings(
                method,
                new Sgd(0.9, false, 0),
                LearningRate.constant(1e-4),
                ParameterSet.all(),
                0));
    long[] sample = Arrays.stream(shape(onlyInput(model))).skip(1).toArray();
    LabelledBatch labelled = new LabelledBatch(batchSize, sample);
    SplittableRandom random = new SplittableRandom(0);
    for (int row = 0; row < batchSize; row++) {
      FloatBuffer values = labelled.row(row);
      while (values.hasRemaining()) {
        values.put((float) random.nextGaussian());
      }
      labelled.label(row, row % 2, 0);
    }
    labelled.resize(batchSize);
    Learner learner = Learner.open(graph, graph.start(), settings);
    return new Contestant(
        "learning " + name,
        () -> learner.learn(labelled),
        () -> {
          learner.close();
          labelled.close();
        });
  }

  private List<Row> rows(List<String> names, double[][] millis, List<Long> memory) {
    double[] source = millis[names.indexOf(SOURCE)];
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < millis.length; i++) {
      double[] ratios = new double[source.length];
      for (int round = 0; round < ratios.length; round++) {
        ratios[round] = millis[i][round] / source[round];
      }
      rows.add(new Row(names.get(i), batchSize, median(millis[i]), median(ratios), memory.get(i)));
    }
    return rows;
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The time of a step does not depend on where components start: the batch itself will do. */
  private @Nullable Calibration calibration(Method method, Map<String, Tensor> batch) {
    if (!method.needsCalibration()) {
      return null;
    }
    try (Calibrator calibrator = Calibrator.open(model, settings)) {
      while (calibrator.samples() < method.calibrationComponents()) {
        calibrator.add(batch);
      }
      return calibrator.cluster(method.calibrationComponents(), 0);
    }
  }

  private Map<String, Tensor> randomBatch() {
    Map<String, Tensor> batch = new HashMap<>();
    SplittableRandom random = new SplittableRandom(0);
    for (TensorInfo input : model.inputs()) {
      batch.put(input.name(), random(model, input, random, shape(input)));
    }
    return batch;
  }

  /** The one input of a model whose samples make a request. */
  static TensorInfo onlyInput(OnnxModel model) {
    TensorInfo input = model.inputs().get(0);
    if (model.inputs().size() > 1 || input.elementsPerSample() < 0) {
      throw new InvalidInputException(
          model.name()
              + ": expected one input with fixed sizes after the batch axis, found "
              + model.inputs());
    }
    return input;
  }

  /** Standard normal numbers. */
  static Tensor random(OnnxModel model, TensorInfo input, SplittableRandom random, long... shape) {
    if (input.type() != ElementType.FP32) {
      throw new InvalidInputException(
          model.name() + ": bench makes FP32 inputs only, found " + input);
    }
    Tensor tensor = Tensor.allocate(ElementType.FP32, shape);
    FloatBuffer values = tensor.floats();
    while (values.hasRemaining()) {
      values.put((float) random.nextGaussian());
    }
    return tensor;
  }

  private long[] shape(TensorInfo input) {
    long[] shape = new long[input.rank()];
    for (int axis = 0; axis < shape.length; axis++) {
      Dimension dimension = input.dimensions().get(axis);
      if (axis == 0) {
        shape[axis] = batchSize;
      } else if (dimension.isFixed()) {
        shape[axis] = dimension.size();
      } else if (axis <= openSizes.length) {
        shape[axis] = openSizes[axis - 1];
      } else {
        throw new InvalidInputException(
            model.name()
                + ": input '"
                + input.name()
                + "' leaves sizes open, "
                + input.shapeText()
                + ": give them with --shape, such as --shape 3,224,224");
      }
    }
    return shape;
  }
}
