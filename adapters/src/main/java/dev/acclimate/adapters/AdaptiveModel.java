package dev.acclimate.adapters;

import static java.util.stream.Collectors.toSet;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.RuntimeFailure;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.blocks.BatchSessions;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model that adapts as it answers. Each {@link #run} answers one batch and, with it, takes one
 * step of the state.
 *
 * <h2>Contract</h2>
 *
 * <ul>
 *   <li>The same batches in the same order from the same state give the same answers and the same
 *       state, on CPU with one thread bit for bit.
 *   <li>A step takes effect only as a whole, and only when every value of the next state is finite
 *       and none of the answer is NaN (infinite answers are some models' way to rule a class out).
 *       Otherwise the state stays as it was, the batch is answered with the source statistics by
 *       the untouched model, and {@link #rejectedSteps} counts it.
 *   <li>A run that throws leaves the state as it was.
 * </ul>
 *
 * <h2>Threads and memory</h2>
 *
 * Not thread-safe: one run at a time. The state lies in two sets of direct buffers that swap roles
 * from step to step; outputs lie in buffers that the next run overwrites. Nothing is allocated per
 * sample.
 */
public final class AdaptiveModel implements AutoCloseable {
  /**
   * The input {@code [B]} int64 that tells each sample's task to methods that balance tasks ({@code
   * adab2n}). Optional in a batch: without it all samples are of task 0. Other methods ignore it.
   */
  public static final String TASK_INPUT = StateTensor.PREFIX + "task";

  /** The input {@code [B]} int64 of the graph that learns from labels. */
  static final String LABELS_INPUT = StateTensor.PREFIX + "labels";

  private static final Logger log = LoggerFactory.getLogger(AdaptiveModel.class);

  private final AdaptedModel adapted;
  private final SessionSettings settings;
  private final BatchSessions sessions;
  private final @Nullable ModelSession labelled;
  private final int classes;
  private final List<TensorInfo> inputs;
  private final Map<String, Tensor> feeds = new HashMap<>();
  private final Map<String, Tensor> targets = new HashMap<>();
  private AdaptationState current;
  private AdaptationState next;
  private @Nullable ModelSession fallback;
  private @Nullable AdaptiveModel plain;
  private @Nullable Tensor zeroTasks;
  private long rejectedSteps;

  private AdaptiveModel(AdaptedModel adapted, SessionSettings settings) {
    this.adapted = adapted;
    this.settings = settings;
    this.sessions = adapted.open(settings);
    this.labelled =
        adapted.labelledStep().map(step -> ModelSession.open(step, settings)).orElse(null);
    this.classes = adapted.lessons().isPresent() ? adapted.classes() : 0;
    this.inputs = adapted.source().inputs();
    this.current = newState();
    this.next = newState();
  }

  /**
   * Loads an adapted model.
   *
   * @throws InvalidInputException when ONNX Runtime refuses the model, the provider is not there,
   *     or the state belongs to another model
   */
  public static AdaptiveModel open(
      AdaptedModel adapted, AdaptationState state, SessionSettings settings) {
    AdaptiveModel model = new AdaptiveModel(adapted, settings);
    try {
      model.restore(state);
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
    return model;
  }

  /** The model's own inputs, without state. */
  public List<TensorInfo> inputs() {
    return inputs;
  }

  /** The model's own outputs, without state. */
  public List<TensorInfo> outputs() {
    return adapted.source().outputs();
  }

  /** The method with all its options. */
  public String method() {
    return adapted.method().canonical();
  }

  /** False where the method leaves the model as it is. */
  public boolean adapts() {
    return !(adapted.method() instanceof Source);
  }

  /** The name of the input whose first axis is the batch's. */
  public String samplesInput() {
    return AdaptedModel.batchInput(inputs).name();
  }

  /** True where runs can be told each sample's task by {@link #TASK_INPUT}. */
  public boolean takesTasks() {
    return adapted.method().readsTasks();
  }

  /** The model's name. */
  public String name() {
    return adapted.source().name();
  }

  /** What the model runs on. */
  public ExecutionProvider provider() {
    return sessions.provider();
  }

  /** True where the method learns to be sure of its own predictions. */
  public boolean sharpens() {
    return adapted.method().sharpens();
  }

  /**
   * The statistics alone of a state of a method that learns beside them, for {@link
   * #runWithoutLearning}; the caller's to close.
   *
   * @throws IllegalStateException when the method does not learn
   */
  public AdaptationState statistics(AdaptationState learning) {
    AdaptiveModel other = withoutLearning();
    AdaptationState statistics = other.newState();
    other
        .adapted
        .layout()
        .tensors()
        .forEach(own -> statistics.tensor(own.name()).set(learning.tensor(own.name())));
    statistics.stepped(learning.step());
    return statistics;
  }

  /**
   * Answers a batch by the same model without the companion that learns, loaded when it is first
   * needed.
   *
   * @param batch as for {@link #run}
   * @param statistics of {@link #statistics}, which take a step
   * @return the outputs by name, valid until the next call
   * @throws RuntimeFailure when ONNX Runtime fails
   */
  public Map<String, Tensor> runWithoutLearning(
      Map<String, Tensor> batch, AdaptationState statistics) {
    AdaptiveModel other = withoutLearning();
    BatchResult result = other.run(batch, statistics, other.next);
    if (result.adapted()) {
      statistics.set(other.next);
    }
    return result.outputs();
  }

  private AdaptiveModel withoutLearning() {
    AdaptiveModel known = plain;
    if (known == null) {
      known =
          new AdaptiveModel(
              adapted
                  .withoutLearning()
                  .orElseThrow(() -> new IllegalStateException(method() + " does not learn")),
              settings);
      plain = known;
    }
    return known;
  }

  /** Batches that the state has taken in. */
  public long step() {
    return current.step();
  }

  /** Batches that were answered with the source statistics because a value was not finite. */
  public long rejectedSteps() {
    return rejectedSteps;
  }

  /**
   * Answers a batch and takes one step.
   *
   * @param batch a tensor for each input; {@link #TASK_INPUT} may be left out
   * @throws InvalidInputException when an input is missing or its type or shape does not fit
   * @throws RuntimeFailure when ONNX Runtime fails; the state stays as it was
   */
  public BatchResult run(Map<String, Tensor> batch) {
    BatchResult result = run(batch, current, next);
    if (result.adapted()) {
      AdaptationState spent = current;
      current = next;
      next = spent;
    }
    return result;
  }

  /**
   * Answers a batch from a state that the caller keeps, for one that keeps many. The model's own
   * state takes no part.
   *
   * @param batch as above
   * @param from the state before the batch; left as it is
   * @param into receives the state after the batch, undefined unless the result is adapted
   * @throws InvalidInputException when an input is missing or its type or shape does not fit, or a
   *     state belongs to another model
   * @throws RuntimeFailure when ONNX Runtime fails
   */
  public BatchResult run(Map<String, Tensor> batch, AdaptationState from, AdaptationState into) {
    from.requireLayout(adapted.layout());
    into.requireLayout(adapted.layout());
    feeds.clear();
    feeds.putAll(batch);
    if (adapted.method().readsTasks() && !batch.containsKey(TASK_INPUT)) {
      feeds.put(TASK_INPUT, oneTask(batch));
    }
    targets.clear();
    for (StateTensor state : adapted.layout().tensors()) {
      feeds.put(state.input(), from.tensor(state.name()));
      targets.put(state.output(), into.tensor(state.name()));
    }
    Map<String, Tensor> outputs = sessions.of(batch).run(feeds, targets);
    if (!targets.values().stream().allMatch(Tensor::isFinite)
        || outputs.values().stream().anyMatch(Tensor::hasNaN)) {
      return reject(batch, from.step());
    }
    into.stepped(from.step() + 1);
    return new BatchResult(outputs, true, into.step());
  }

  /** How labels become steps, empty where the method learns from none. */
  public Optional<Lessons> lessons() {
    return adapted.lessons();
  }

  /** How many classes labels may name where the method learns from some, else 0. */
  public int classes() {
    return classes;
  }

  /**
   * Learns from samples whose labels have come, answered earlier or not. Scale and offset take a
   * step; statistics stay, which have seen the samples when they were answered.
   *
   * @param batch a tensor for each input, as for {@link #run}
   * @param labels int64 {@code [B]}, the class of each sample, from 0
   * @param from the state before the step; left as it is
   * @param into receives the state after it, undefined unless the step was taken
   * @return false where loss, gradients or step were not finite or the step was too long
   * @throws InvalidInputException when an input is missing or does not fit, a label is no class, or
   *     a state belongs to another model
   * @throws RuntimeFailure when ONNX Runtime fails
   * @throws IllegalStateException when the method learns from no labels
   */
  public boolean learn(
      Map<String, Tensor> batch, Tensor labels, AdaptationState from, AdaptationState into) {
    ModelSession step = labelled;
    if (step == null) {
      throw new IllegalStateException(method() + " learns from no labels");
    }
    from.requireLayout(adapted.layout());
    into.requireLayout(adapted.layout());
    requireClasses(labels);
    feeds.clear();
    feeds.putAll(batch);
    feeds.put(LABELS_INPUT, labels);
    if (adapted.method().readsTasks() && !batch.containsKey(TASK_INPUT)) {
      feeds.put(TASK_INPUT, oneTask(batch));
    }
    targets.clear();
    Set<String> outputs = step.outputs().stream().map(TensorInfo::name).collect(toSet());
    for (StateTensor state : adapted.layout().tensors()) {
      feeds.put(state.input(), from.tensor(state.name()));
      if (outputs.contains(state.output())) {
        targets.put(state.output(), into.tensor(state.name()));
      } else {
        into.tensor(state.name()).set(from.tensor(state.name()));
      }
    }
    Tensor taken = step.run(feeds, targets).get(AdaptedModel.TAKEN);
    into.stepped(from.step());
    return taken != null
        && taken.floats().get(0) == 1
        && targets.values().stream().allMatch(Tensor::isFinite);
  }

  private void requireClasses(Tensor labels) {
    LongBuffer values = labels.longs();
    for (int i = 0; i < values.limit(); i++) {
      if (values.get(i) < 0 || values.get(i) >= classes) {
        throw new InvalidInputException(
            "label of sample %d: expected a class from 0 to %d, found %d"
                .formatted(i, classes - 1, values.get(i)));
      }
    }
  }

  /** Task 0 for each sample of the batch. */
  private Tensor oneTask(Map<String, Tensor> batch) {
    Tensor first = batch.get(AdaptedModel.batchInput(inputs).name());
    long samples = first == null || first.rank() == 0 ? 0 : first.size(0); // refused by the session
    Tensor tasks = zeroTasks;
    if (tasks == null || tasks.size(0) != samples) {
      if (tasks != null) {
        tasks.close();
      }
      tasks = Tensor.allocate(ElementType.INT64, samples);
      zeroTasks = tasks;
    }
    return tasks;
  }

  private BatchResult reject(Map<String, Tensor> batch, long step) {
    rejectedSteps++;
    log.warn(
        "{}: step {} of {} gave values that are not finite: state kept, source statistics answer"
            + " (rejected so far: {})",
        name(),
        step + 1,
        method(),
        rejectedSteps);
    return new BatchResult(runFrozen(batch), false, step);
  }

  /**
   * Loads the untouched model where it is not yet, so that no batch of {@link #runFrozen} waits for
   * it.
   *
   * @throws InvalidInputException when ONNX Runtime refuses it
   */
  public void loadFrozen() {
    var unused = frozen();
  }

  private ModelSession frozen() {
    ModelSession frozen = fallback;
    if (frozen == null) {
      frozen = ModelSession.open(adapted.source(), settings);
      fallback = frozen;
    }
    return frozen;
  }

  /**
   * Answers a batch by the untouched model, loaded at the first call unless {@link #loadFrozen} was
   * called; the state takes no part. The answer stays valid while the adapted model runs.
   *
   * @return the model's own outputs by name, valid until the next call or rejected step
   * @throws InvalidInputException when an input is missing or its type or shape does not fit
   * @throws RuntimeFailure when ONNX Runtime fails
   */
  public Map<String, Tensor> runFrozen(Map<String, Tensor> batch) {
    return frozen().run(batch);
  }

  /** The names of the sites that adapt, in graph order. */
  public List<String> sites() {
    return adapted.sites().stream().map(NormalizationSite::name).toList();
  }

  /**
   * How far a state's statistics lie from the model's own, in source standard deviations.
   *
   * @return a value for each of the {@link #sites}; none where the method keeps no statistics
   */
  public double[] shifts(AdaptationState state) {
    return StateShift.of(state, adapted.sites());
  }

  /** A copy of the state, safe to keep. */
  public AdaptationState state() {
    return current.copy();
  }

  /** A state of zeros for {@link #run(Map, AdaptationState, AdaptationState)} to write into. */
  public AdaptationState newState() {
    return AdaptationState.allocate(adapted.layout());
  }

  /**
   * Reads a state of this model from what {@link AdaptationState#toBytes} gave.
   *
   * @param name what errors call it
   * @throws InvalidInputException when it is no state, or one of another model or method
   */
  public AdaptationState parseState(String name, byte[] content) {
    return AdaptationState.parse(name, content, name(), adapted.layout());
  }

  /** SHA-256 of the model that was adapted, in hexadecimal. */
  public String digest() {
    return adapted.layout().sourceDigest();
  }

  /**
   * Goes on from a state.
   *
   * @throws InvalidInputException when the state belongs to another model or method
   */
  public void restore(AdaptationState state) {
    current.set(state);
  }

  @Override
  public void close() {
    sessions.close();
    if (labelled != null) {
      labelled.close();
    }
    ModelSession frozen = fallback;
    if (frozen != null) {
      frozen.close();
    }
    if (plain != null) {
      plain.close();
    }
    current.close();
    next.close();
    Tensor tasks = zeroTasks;
    if (tasks != null) {
      tasks.close();
    }
  }
}
