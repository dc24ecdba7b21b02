package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.BatchResult;
import dev.acclimate.adapters.Lessons;
import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.guard.GuardNews;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.guard.GuardSignals;
import dev.acclimate.adapters.guard.Scores;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.RuntimeFailure;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * A model in production: the frozen one and the adapted one behind one set of answers. The {@link
 * Mode} says whose answers go out; what adapts does so to all samples, whoever answers them. A
 * {@link Guard} takes adapted answers back where they do harm.
 *
 * <p>The two are sessions of their own. One graph of both could share no more than what lies before
 * the first normalization site (of ResNet-20's multiplications 1 %, of ResNet-50's 3 %), nor could
 * they share weights: the frozen session folds its normalization into them.
 *
 * <p>Where the adapted model fails in the runtime, the frozen one answers and the state stays.
 *
 * <p>All methods may be called by any thread; what changes mode or state takes its turn between two
 * batches.
 */
public final class ServedModel implements InferenceModel {
  private static final Logger log = LoggerFactory.getLogger(ServedModel.class);

  /** Labelled answers that accuracies are over. */
  private static final int RECENT = 1000;

  private final AdaptiveModel model;
  private final String name;
  private final String version;
  private final ServingListener listener;
  private final ReentrantLock turn = new ReentrantLock();
  private final AdaptationState start;
  private final RowMix mix = new RowMix();
  private final GuardNews news = new GuardNews();
  private AdaptationState current;
  private AdaptationState next;
  private final @Nullable StateGuard guard;
  private final @Nullable String scoresOutput;
  private final RecentAnswers recent = new RecentAnswers();
  private final RecentAccuracy givenAccuracy = new RecentAccuracy(RECENT);
  private final RecentAccuracy adaptedAccuracy = new RecentAccuracy(RECENT);
  private final RecentAccuracy frozenAccuracy = new RecentAccuracy(RECENT);
  private final AtomicLong labels = new AtomicLong();
  private volatile Mode mode;

  private ServedModel(
      AdaptiveModel model,
      String name,
      String version,
      Mode mode,
      GuardPolicy policy,
      ServingListener listener) {
    this.model = model;
    this.name = name;
    this.version = version;
    this.mode = mode;
    this.listener = listener;
    this.start = model.state();
    this.current = model.state();
    this.next = model.newState();
    boolean watched = StateGuard.isFor(model, policy);
    this.guard = watched ? new StateGuard(model, policy, start) : null;
    boolean scored = watched || Scores.areIn(model.outputs());
    this.scoresOutput = scored ? Scores.output(model.outputs()) : null;
  }

  /**
   * Serves a model from its present state on, which is what {@link #reset} goes back to. Closing it
   * closes {@code model}, which the caller leaves alone meanwhile.
   *
   * @param name what clients call it
   * @param version its version, such as {@code 1}
   * @param policy of the guard over its adapted answers
   * @throws InvalidInputException when there is to be a guard and the model gives no class scores
   */
  public static ServedModel of(
      AdaptiveModel model,
      String name,
      String version,
      Mode mode,
      GuardPolicy policy,
      ServingListener listener) {
    return new ServedModel(model, name, version, mode, policy, listener);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String version() {
    return version;
  }

  @Override
  public List<TensorInfo> inputs() {
    return model.inputs();
  }

  @Override
  public List<TensorInfo> outputs() {
    return model.outputs();
  }

  /** The method with all its options. */
  public String method() {
    return model.method();
  }

  @Override
  public Mode mode() {
    return mode;
  }

  /** Sets whose answers go out from the next batch on. */
  public void setMode(Mode wanted) {
    inTurn(
        () -> {
          Mode before = mode;
          if (!before.equals(wanted)) {
            mode = wanted;
            log.info("{}: mode {} instead of {}", name, wanted, before);
            listener.switched(before, wanted);
          }
        });
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> batch, List<BatchShare> shares) {
    return inTurn(() -> answer(batch, shares));
  }

  /**
   * Adapts to a batch that another server has answered with the model as it was: its answer stands
   * in for the frozen model's, which need not run.
   */
  @Override
  public Map<String, Tensor> runBeside(
      Map<String, Tensor> batch, List<BatchShare> shares, Map<String, Tensor> answered) {
    return inTurn(() -> adaptBeside(batch, shares, answered));
  }

  private Map<String, Tensor> adaptBeside(
      Map<String, Tensor> batch, List<BatchShare> shares, Map<String, Tensor> answered) {
    if (!mode.adapts()) {
      throw new InvalidInputException("mode: expected one that adapts, found " + mode);
    }
    Answering answering = new Answering(batch, answered);
    answering.adapt();
    BatchResult adapted = answering.adapted;
    if (adapted == null) {
      throw new IllegalStateException("the adapted model failed");
    }
    listener.answered(answering.report(shares.stream().mapToInt(BatchShare::samples).sum(), 0));
    Map<String, Tensor> given = answering.frozen.known();
    if (given != null) {
      remember(shares, given, answering);
    }
    return adapted.outputs();
  }

  /** Runs between two batches, or as one. */
  private <T> T inTurn(Supplier<T> what) {
    turn.lock();
    try {
      return what.get();
    } finally {
      turn.unlock();
    }
  }

  private void inTurn(Runnable what) {
    turn.lock();
    try {
      what.run();
    } finally {
      turn.unlock();
    }
  }

  private Map<String, Tensor> answer(Map<String, Tensor> batch, List<BatchShare> shares) {
    boolean[] wanted = new boolean[shares.stream().mapToInt(BatchShare::samples).sum()];
    int count = 0;
    int first = 0;
    for (BatchShare share : shares) {
      if (mode.answersAdapted(share.stream())) {
        Arrays.fill(wanted, first, first + share.samples(), true);
        count += share.samples();
      }
      first += share.samples();
    }
    Answering answering = new Answering(batch, Map.of());
    if (mode.adapts()) {
      answering.adapt();
    }
    BatchResult adapted = answering.adapted;
    if (adapted == null || !answering.mayGoOut) {
      count = 0;
    }
    if (count < wanted.length) {
      var unused = answering.frozen.get();
    }
    listener.answered(answering.report(wanted.length, count));
    Map<String, Tensor> given = given(answering, count, wanted);
    remember(shares, given, answering);
    return given;
  }

  private Map<String, Tensor> given(Answering answering, int count, boolean... wanted) {
    BatchResult adapted = answering.adapted;
    if (adapted == null || count == 0) {
      return answering.frozen.get();
    }
    return count == wanted.length
        ? adapted.outputs()
        : mix.of(answering.frozen.get(), adapted.outputs(), wanted);
  }

  /** Keeps the answers for labels that may come. */
  private void remember(List<BatchShare> shares, Map<String, Tensor> given, Answering answering) {
    if (scoresOutput != null && shares.stream().anyMatch(share -> share.id() != null)) {
      BatchResult adapted = answering.adapted;
      Map<String, Tensor> frozen = answering.frozen.known();
      recent.add(
          shares,
          new RecentAnswers.Answer(
              classes(given),
              adapted == null ? null : classes(adapted.outputs()),
              frozen == null ? null : classes(frozen)));
    }
  }

  private int[] classes(Map<String, Tensor> outputs) {
    return Scores.answers(Objects.requireNonNull(outputs.get(String.valueOf(scoresOutput))));
  }

  /** A batch on its way through the two models. */
  private final class Answering {
    private final Map<String, Tensor> batch;
    private final Map<String, Tensor> answered;
    private final FrozenAnswer frozen;
    private @Nullable BatchResult adapted;
    private boolean mayGoOut = true;
    private boolean stepped;
    private long adaptedNanos;

    /**
     * A batch.
     *
     * @param answered what another server has answered to it
     */
    Answering(Map<String, Tensor> batch, Map<String, Tensor> answered) {
      this.batch = batch;
      this.answered = answered;
      this.frozen = new FrozenAnswer(() -> model.runFrozen(batch));
    }

    BatchReport report(int samples, int adaptedAnswers) {
      return new BatchReport(
          mode,
          samples,
          adaptedAnswers,
          adaptedNanos,
          frozen.nanos(),
          stepped,
          current.step(),
          guard == null ? null : guard.signals());
    }

    /** Takes a step of the state, unless the guard is against it. */
    void adapt() {
      long begin = System.nanoTime();
      try {
        adapted = model.run(batch, current, next);
      } catch (RuntimeFailure e) {
        log.warn("{}: the adapted model failed, the frozen one answers: {}", name, e.getMessage());
      }
      adaptedNanos = System.nanoTime() - begin;
      BatchResult result = adapted;
      if (result != null && hasScoresOf(result)) {
        frozen.set(answered);
      }
      if (result != null && result.adapted()) {
        StateGuard watching = guard;
        if (watching == null) {
          step();
          stepped = true;
        } else {
          obey(watching.judge(batch, result.outputs(), frozen, current, next));
        }
      }
    }

    /** Whether what another server answered has the scores, as many as the own ones. */
    private boolean hasScoresOf(BatchResult result) {
      Tensor scores = answered.get(String.valueOf(scoresOutput));
      Tensor own = result.outputs().get(String.valueOf(scoresOutput));
      return scores != null && own != null && Arrays.equals(scores.shape(), own.shape());
    }

    private void obey(StateGuard.Ruling ruling) {
      mayGoOut = ruling.mayGoOut();
      stepped = ruling.fate() == StateGuard.Fate.TAKEN;
      if (ruling.fate() != StateGuard.Fate.HELD) {
        step();
      }
      ruling.events().forEach(this::tell);
    }

    private void tell(GuardEvent event) {
      Level level = event.kind() == GuardEvent.Kind.TRUSTED ? Level.INFO : Level.WARN;
      news.of(event).ifPresent(text -> log.atLevel(level).log("{}: guard: {}", name, text));
      listener.guarded(event);
    }

    private void step() {
      AdaptationState spent = current;
      current = next;
      next = spent;
    }
  }

  /**
   * Tells what a request should have been answered with. Where both models answered it, the guard
   * learns from it, from the next batch on.
   *
   * @param id the request's
   * @param expected the class of each of its samples
   * @return how many of its samples were answered rightly; empty where no answer to that request is
   *     kept: it had none, had its labels, or was long ago
   * @throws InvalidInputException when labels do not fit the request or the model
   */
  public OptionalInt label(String id, long... expected) {
    if (scoresOutput == null) {
      throw new InvalidInputException(
          "label: expected a model with class scores, an FP32 output [batch, classes] of two"
              + " classes or more, found "
              + outputs());
    }
    return inTurn(
        () -> {
          RecentAnswers.Answer answer = recent.get(id);
          if (answer == null) {
            return OptionalInt.empty();
          }
          requireFit(answer, expected);
          recent.remove(id);
          return OptionalInt.of(judge(answer, expected));
        });
  }

  private void requireFit(RecentAnswers.Answer answer, long... expected) {
    if (expected.length != answer.given().length) {
      throw new InvalidInputException(
          "label: expected one for each of the request's "
              + answer.given().length
              + " samples, found "
              + expected.length);
    }
    for (TensorInfo output : outputs()) {
      if (output.name().equals(scoresOutput) && output.dimensions().get(1).isFixed()) {
        long classes = output.dimensions().get(1).size();
        for (long label : expected) {
          if (label < 0 || label >= classes) {
            throw new InvalidInputException(
                "label: expected classes from 0 to " + (classes - 1) + ", found " + label);
          }
        }
      }
    }
  }

  private int judge(RecentAnswers.Answer answer, long... expected) {
    int right = 0;
    int[] adapted = answer.adapted();
    int[] frozen = answer.frozen();
    for (int i = 0; i < expected.length; i++) {
      boolean givenRight = answer.given()[i] == expected[i];
      right += givenRight ? 1 : 0;
      givenAccuracy.add(givenRight);
      if (adapted != null && frozen != null) {
        boolean adaptedRight = adapted[i] == expected[i];
        boolean frozenRight = frozen[i] == expected[i];
        adaptedAccuracy.add(adaptedRight);
        frozenAccuracy.add(frozenRight);
        if (guard != null) {
          guard.label(adaptedRight, frozenRight);
        }
      }
    }
    labels.addAndGet(expected.length);
    return right;
  }

  /** How often answers were right, as far as labels tell. */
  public LabelledAccuracy accuracy() {
    return new LabelledAccuracy(
        labels.get(), givenAccuracy.value(), adaptedAccuracy.value(), frozenAccuracy.value());
  }

  /** How labels become steps, empty where the method learns from none. */
  public Optional<Lessons> lessons() {
    return model.lessons();
  }

  /**
   * Learns from samples whose labels have come; see {@link AdaptiveModel#learn}.
   *
   * @param expected the class of each sample, int64 {@code [B]}
   * @return whether the step was taken
   */
  public boolean learn(Map<String, Tensor> batch, Tensor expected) {
    return inTurn(
        () -> {
          boolean taken = model.learn(batch, expected, current, next);
          if (taken) {
            AdaptationState spent = current;
            current = next;
            next = spent;
          }
          return taken;
        });
  }

  /** What the guard sees, empty where none watches. */
  public Optional<GuardSignals> signals() {
    return inTurn(() -> Optional.ofNullable(guard).map(StateGuard::signals));
  }

  /** Batches that the state has taken in. */
  public long step() {
    return inTurn(() -> current.step());
  }

  /** Batches that were answered frozen because a value was not finite. */
  public long rejectedSteps() {
    return inTurn(() -> model.rejectedSteps());
  }

  /** The names of the sites that adapt, in graph order. */
  public List<String> sites() {
    return model.sites();
  }

  /**
   * How far the state's statistics lie from the model's own, a value for each of the {@link
   * #sites}; see {@link AdaptiveModel#shifts}.
   */
  public double[] shifts() {
    return inTurn(() -> model.shifts(current));
  }

  /** Bytes of the state; 0 where the method keeps none. */
  public long stateBytes() {
    return start.sizeInBytes();
  }

  /** A copy of the state. */
  public AdaptationState state() {
    return inTurn(() -> current.copy());
  }

  /**
   * Goes on from a state; the guard knows nothing of it yet.
   *
   * @throws InvalidInputException when it belongs to another model or method
   */
  public void restore(AdaptationState state) {
    inTurn(
        () -> {
          current.set(state);
          recent.clear(); // labels that are still to come would judge the state before
          if (guard != null) {
            guard.startFrom(state);
          }
        });
  }

  /**
   * Reads a state of this model from what {@link AdaptationState#toBytes} gave.
   *
   * @param source what errors call it
   * @throws InvalidInputException when it is no state, or one of another model or method
   */
  public AdaptationState parseState(String source, byte[] content) {
    return model.parseState(source, content);
  }

  /** Forgets what was learnt. */
  public void reset() {
    restore(start);
  }

  @Override
  public void close() {
    inTurn(
        () -> {
          current.close();
          next.close();
          start.close();
          mix.close();
          if (guard != null) {
            guard.close();
          }
          model.close();
        });
  }
}
