package dev.acclimate.simulate;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.adapters.serving.ServingListener;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs simulated streams through a model once per method and keeps what each answered. All methods
 * see the very same batches; each keeps a state of its own, reset where the stream says so. The
 * untouched model always answers too, for comparison.
 *
 * <p>Methods that read tasks are told each sample's true domain, as a deployment can where devices
 * name theirs. They get no hint otherwise: {@code tasks=detected} works on the samples alone.
 *
 * <p>A chunk of the stream is made while the methods work on the one before it, side by side: what
 * a method answers does not depend on the others, on the number of cores or on the size of a chunk.
 */
public final class Simulation implements AutoCloseable {
  /** What the method that is always there is called. */
  private static final String FROZEN = "source";

  /** Memory for samples of a chunk; there are two of them. */
  private static final long CHUNK_BYTES = 16 << 20;

  private static final int LARGEST_CHUNK = 1024;

  private final OnnxModel model;
  private final Preprocessing preprocessing;
  private final SimulationOptions options;
  private final SessionSettings session;
  private final Supplier<ImageSet> sourceImages;
  private final ExecutorService workers;
  private final List<Entry> entries = new ArrayList<>();

  /** One an entry, loaded once for all streams of a batch size. */
  private final List<ServedModel> loaded = new ArrayList<>();

  private int loadedFor;

  private final Map<Long, Map<Integer, Calibration>> calibrations = new HashMap<>();

  /** A method, the model that it made, and what listens to its guard, where it has one. */
  private record Entry(
      String label, Method method, AdaptedModel adapted, @Nullable GuardWatcher watcher) {}

  /**
   * A simulation to be run.
   *
   * @param sourceImages images of the source domain, asked for only where a method starts
   *     calibrated and no calibration is given
   * @throws InvalidInputException when a method does not exist or cannot adapt the model
   */
  public Simulation(
      OnnxModel model,
      Preprocessing preprocessing,
      SimulationOptions options,
      Supplier<ImageSet> sourceImages) {
    this.model = model;
    this.preprocessing = preprocessing;
    this.options = options;
    this.session = oneThreadUnlessAsked(options.session());
    this.sourceImages = sourceImages;
    List<String> labels = new ArrayList<>(options.methods());
    if (!labels.contains(FROZEN)) {
      labels.add(FROZEN);
    }
    // every method is read before the first model is loaded, so that a typing error costs no time
    List<Method> methods = labels.stream().map(Method::parse).toList();
    for (int i = 0; i < methods.size(); i++) {
      AdaptedModel adapted = AdaptedModel.adapt(model, methods.get(i));
      String label = labels.get(i);
      entries.add(new Entry(label, methods.get(i), adapted, null));
      if (options.guard() != null && !label.equals(FROZEN)) {
        entries.add(
            new Entry(label + GuardRecord.SUFFIX, methods.get(i), adapted, new GuardWatcher()));
      }
    }
    this.workers =
        Executors.newFixedThreadPool(
            Math.min(entries.size(), Runtime.getRuntime().availableProcessors()));
  }

  static SessionSettings oneThreadUnlessAsked(SessionSettings asked) {
    return asked.threads() == 0 ? new SessionSettings(asked.provider(), 1) : asked;
  }

  /**
   * Runs one stream.
   *
   * @param order what the result calls the order of its samples
   * @param domains what the result calls its schedule
   * @param seed of starts that are random
   * @throws InvalidInputException when model, data and methods do not fit together
   */
  public Trial run(
      DomainStream stream,
      String order,
      String domains,
      int batchSize,
      long seed,
      SimulationProgress progress) {
    SimulationOptions.requireBatchSize(batchSize);
    int largest = stream.largestBatch(batchSize);
    ImageSet images = stream.images();
    Classifier classifier =
        Classifier.of(
            model.name(),
            model.inputs(),
            model.outputs(),
            images,
            preprocessing.layout(),
            batchSize);
    if (classifier.hasFixedBatch()) {
      requireBatches(stream, batchSize);
    }
    StreamLog log = StreamLog.of(stream, batchSize, classifier.hasFixedBatch());
    if (batchSize != loadedFor) {
      loaded.forEach(ServedModel::close);
      loaded.clear();
      loadedFor = batchSize;
    }
    List<Contestant> contestants = contestants(log, classifier, seed, progress);
    long[] shape = classifier.shape(batchSize);
    int room = chunkSize(images, largest);
    try (Chunk one = new Chunk(shape, room);
        Chunk two = new Chunk(shape, room)) {
      play(stream, log, classifier, contestants, one, two, progress);
    } finally {
      contestants.forEach(Contestant::finish);
    }
    List<MethodRun> runs = contestants.stream().map(Contestant::result).toList();
    MethodRun frozen =
        runs.stream().filter(run -> run.method().equals(FROZEN)).findFirst().orElseThrow();
    boolean asked = options.methods().contains(FROZEN);
    return new Trial(
        order,
        domains,
        batchSize,
        seed,
        log,
        frozen,
        asked ? runs : runs.subList(0, runs.size() - 1)); // it came last
  }

  private static void requireBatches(DomainStream stream, int only) {
    for (Segment segment : stream.segments()) {
      if (segment.asksForOtherBatches(only)) {
        throw new InvalidInputException(
            "%s: batch-sizes: expected %d, the only size that the model takes, found others"
                .formatted(segment.name(), only));
      }
    }
  }

  private static int chunkSize(ImageSet images, int largestBatch) {
    long fitting = CHUNK_BYTES / ((long) images.shape().size() * Float.BYTES);
    return (int) Math.max(largestBatch, Math.min(LARGEST_CHUNK, fitting));
  }

  private List<Contestant> contestants(
      StreamLog log, Classifier classifier, long seed, SimulationProgress progress) {
    Map<Integer, Calibration> starts =
        calibrations.computeIfAbsent(
            seed,
            s ->
                new Calibrations(model, preprocessing, s, options.session(), progress)
                    .of(
                        entries.stream().map(Entry::method).toList(),
                        options.calibration(),
                        sourceImages));
    List<Contestant> contestants = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      AdaptationState start =
          entry.adapted.initialState(seed, starts.get(entry.method.calibrationComponents()));
      if (i == loaded.size()) {
        loaded.add(serve(entry, start));
      }
      ServedModel served = loaded.get(i);
      contestants.add(
          new Contestant(
              entry.label,
              served,
              entry.watcher,
              lateLabels(served, classifier),
              start,
              log.size()));
    }
    return contestants;
  }

  private @Nullable LateLabels lateLabels(ServedModel served, Classifier classifier) {
    long[] shape = classifier.shape(1);
    return served
        .lessons()
        .map(
            lessons ->
                new LateLabels(
                    served,
                    lessons,
                    options.labelDelay(),
                    classifier.inputName(),
                    Arrays.copyOfRange(shape, 1, shape.length)))
        .orElse(null);
  }

  private ServedModel serve(Entry entry, AdaptationState start) {
    AdaptiveModel adaptive =
        AdaptiveModel.open(entry.adapted, start, session.forBatchesOf(loadedFor));
    GuardPolicy policy = options.guard();
    GuardWatcher watcher = entry.watcher;
    return policy == null || watcher == null
        ? ServedModel.of(
            adaptive, entry.label, "1", Mode.ACTIVE, GuardPolicy.NONE, ServingListener.NONE)
        : ServedModel.of(adaptive, entry.label, "1", Mode.ACTIVE, policy, watcher);
  }

  private void play(
      DomainStream stream,
      StreamLog log,
      Classifier classifier,
      List<Contestant> contestants,
      Chunk one,
      Chunk two,
      SimulationProgress progress) {
    Chunk current = one;
    Chunk spare = two;
    int next = log.batches() == 0 ? 0 : current.fill(stream, log, 0);
    long done = 0;
    boolean more = log.batches() > 0;
    while (more) {
      Chunk shown = current;
      List<Future<?>> work = new ArrayList<>();
      for (Contestant contestant : contestants) {
        work.add(workers.submit(() -> shown.show(contestant, classifier, log)));
      }
      more = next < log.batches();
      try {
        if (more) {
          next = spare.fill(stream, log, next);
        }
      } finally {
        awaitAll(work);
      }
      done += shown.size(log);
      progress.update(name(log, (int) done - 1), done, log.size());
      current = spare;
      spare = shown;
    }
  }

  private static String name(StreamLog log, int position) {
    return log.stretches().get(log.stretch(position)).name();
  }

  /** Waits for all, also when one fails: the chunk must not be filled while it is read. */
  private static void awaitAll(List<Future<?>> work) {
    @Nullable RuntimeException failed = null;
    boolean interrupted = false;
    for (Future<?> one : work) {
      while (true) {
        try {
          one.get();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          failed =
              e.getCause() instanceof RuntimeException cause
                  ? cause
                  : new IllegalStateException(e.getCause());
          break;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failed != null) {
      throw failed;
    }
  }

  @Override
  public void close() {
    workers.shutdownNow();
    loaded.forEach(ServedModel::close);
  }
}
