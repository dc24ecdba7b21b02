package dev.acclimate.simulate;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.MethodRun.DomainResult;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Runs a simulated stream through a model once per method and counts wrong answers. All methods see
 * the very same batches; each keeps a state of its own, reset where the stream says so.
 *
 * <p>Methods that read tasks are told each sample's true domain, as a deployment can where devices
 * name theirs; a batch never holds two. They get no hint otherwise: {@code tasks=detected} works on
 * the samples alone.
 */
public final class Simulation {
  private final OnnxModel model;
  private final DomainStream stream;
  private final Preprocessing preprocessing;
  private final SimulationOptions options;
  private final Supplier<ImageSet> sourceImages;

  /**
   * A simulation to be run.
   *
   * @param sourceImages images of the source domain, asked for only where a method starts
   *     calibrated and no calibration is given
   */
  public Simulation(
      OnnxModel model,
      DomainStream stream,
      Preprocessing preprocessing,
      SimulationOptions options,
      Supplier<ImageSet> sourceImages) {
    this.model = model;
    this.stream = stream;
    this.preprocessing = preprocessing;
    this.options = options;
    this.sourceImages = sourceImages;
  }

  /** One method at work. */
  private static final class Contestant implements AutoCloseable {
    final String label;
    final AdaptiveModel model;
    final AdaptationState start;
    final int[] answers;
    final List<DomainResult> results = new ArrayList<>();
    long nanos;
    long samples;
    long errors;

    Contestant(String label, AdaptiveModel model, int batchSize) {
      this.label = label;
      this.model = model;
      this.start = model.state();
      this.answers = new int[batchSize];
    }

    void judge(Classifier classifier, Tensor batch, Tensor tasks, int[] labels) {
      long begin = System.nanoTime();
      classifier.classify(model, batch, tasks, answers);
      nanos += System.nanoTime() - begin;
      int n = (int) batch.size(0);
      for (int b = 0; b < n; b++) {
        errors += answers[b] == labels[b] ? 0 : 1;
      }
      samples += n;
    }

    void finishDomain(String name) {
      results.add(new DomainResult(name, samples, errors));
      samples = 0;
      errors = 0;
    }

    MethodRun result() {
      return new MethodRun(label, nanos / 1e9, model.rejectedSteps(), results);
    }

    @Override
    public void close() {
      model.close();
    }
  }

  /**
   * Runs the whole stream.
   *
   * @return one result a method, in the order of the options
   * @throws InvalidInputException when model, data and methods do not fit together
   */
  public List<MethodRun> run(SimulationProgress progress) {
    ImageSet images = stream.images();
    Classifier classifier =
        Classifier.of(
            model.name(),
            model.inputs(),
            model.outputs(),
            images,
            preprocessing.layout(),
            options.batchSize());
    List<Contestant> contestants = new ArrayList<>();
    long[] shape = Classifier.shape(images, preprocessing.layout(), options.batchSize());
    try (Tensor batch = Tensor.allocate(ElementType.FP32, shape)) {
      openAll(contestants, progress);
      int[] labels = new int[options.batchSize()];
      long done = 0;
      for (Domain domain : stream.domains()) {
        if (domain.resetBefore()) {
          contestants.forEach(contestant -> contestant.model.restore(contestant.start));
        }
        for (int from = 0; from < domain.size(); ) {
          int n = domain.fill(from, options.batchSize(), batch.floats(), labels);
          if (n < options.batchSize() && classifier.hasFixedBatch()) {
            break; // the model takes whole batches only; results tell how many samples counted
          }
          try (Tensor part = batch.first(n);
              Tensor tasks = tasks(domain, n)) {
            for (Contestant contestant : contestants) {
              contestant.judge(classifier, part, tasks, labels);
            }
          }
          from += n;
          done += n;
          progress.update(domain.name(), done, stream.size());
        }
        contestants.forEach(contestant -> contestant.finishDomain(domain.name()));
      }
      return contestants.stream().map(Contestant::result).toList();
    } finally {
      contestants.forEach(Contestant::close);
    }
  }

  private static Tensor tasks(Domain domain, int samples) {
    Tensor tasks = Tensor.allocate(ElementType.INT64, samples);
    for (int b = 0; b < samples; b++) {
      tasks.longs().put(b, domain.task());
    }
    return tasks;
  }

  private void openAll(List<Contestant> contestants, SimulationProgress progress) {
    // every method is read before the first model is loaded, so that a typing error costs no time
    List<Method> methods = options.methods().stream().map(Method::parse).toList();
    Map<Integer, Calibration> calibrations =
        new Calibrations(model, preprocessing, options.seed(), options.session(), progress)
            .of(methods, options.calibration(), sourceImages);
    for (int i = 0; i < methods.size(); i++) {
      Method method = methods.get(i);
      AdaptedModel adapted = AdaptedModel.adapt(model, method);
      AdaptationState start =
          adapted.initialState(options.seed(), calibrations.get(method.calibrationComponents()));
      contestants.add(
          new Contestant(
              options.methods().get(i),
              AdaptiveModel.open(adapted, start, options.session()),
              options.batchSize()));
    }
  }
}
