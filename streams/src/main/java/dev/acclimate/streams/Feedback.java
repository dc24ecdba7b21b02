package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.feedback.AnswerComparison;
import dev.acclimate.streams.feedback.FeedbackConfig;
import dev.acclimate.streams.feedback.FeedbackMeters;
import dev.acclimate.streams.feedback.FrozenModel;
import dev.acclimate.streams.feedback.LabelJoin;
import dev.acclimate.streams.feedback.Predictions;
import dev.acclimate.streams.feedback.ShadowModel;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How right a stream's answers are, by the labels that come to its feedback topic, and how right
 * the frozen model would be. It ends in {@linkplain FeedbackMeters metrics}.
 *
 * <pre>{@code
 * int[] frozen = feedback.shadow(batch.tensors());          // null for most batches
 * int[] adapted = feedback.classes(outputs, first, count);  // of one request
 * ... commit ...
 * feedback.answered(key, id, adapted, frozen == null ? null
 *     : Arrays.copyOfRange(frozen, first, first + count));
 * }</pre>
 *
 * <p>Labels are joined to answers by key and request id, sooner or later, as long as both come
 * within the {@link FeedbackConfig#window}; see {@link LabelJoin}.
 *
 * <p>{@link #shadow} is for one thread at a time, the rest for any. Labels are read by a thread
 * that starts with {@link #open} and ends with {@link #close}.
 */
public final class Feedback implements AutoCloseable {
  private final FeedbackConfig config;
  private final FeedbackMeters meters;
  private final LabelJoin join;
  private volatile Predictions predictions;
  private volatile @Nullable ShadowModel shadow;
  private final FeedbackReader reader;

  private Feedback(
      FeedbackConfig config,
      FeedbackMeters meters,
      Predictions predictions,
      LabelJoin join,
      @Nullable ShadowModel shadow,
      FeedbackReader reader) {
    this.config = config;
    this.meters = meters;
    this.predictions = predictions;
    this.join = join;
    this.shadow = shadow;
    this.reader = reader;
  }

  /**
   * Begins to read labels. Brokers that cannot be reached yet are waited for.
   *
   * @param config the stream, which names a feedback topic
   * @param registry where the meters go until {@link #close}
   * @param outputs the model's outputs
   * @param frozen the model before it adapted, asked on the thread that asks {@link #shadow}; null
   *     for no comparison
   * @throws InvalidInputException when the model's outputs are no class scores
   */
  public static Feedback open(
      StreamConfig config,
      FeedbackConfig feedback,
      MeterRegistry registry,
      List<TensorInfo> outputs,
      @Nullable FrozenModel frozen) {
    return open(config, feedback, registry, outputs, frozen, FeedbackClients.real());
  }

  static Feedback open(
      StreamConfig config,
      FeedbackConfig feedback,
      MeterRegistry registry,
      List<TensorInfo> outputs,
      @Nullable FrozenModel frozen,
      FeedbackClients clients) {
    if (config.topics().feedback() == null) {
      throw new InvalidInputException("feedback: expected a feedback topic, found none");
    }
    Predictions predictions = Predictions.of(outputs);
    FeedbackMeters meters = new FeedbackMeters(registry, config.group());
    LabelJoin join = new LabelJoin(feedback, predictions.classes(), meters, System::nanoTime);
    ShadowModel shadow = shadow(feedback, frozen, predictions, meters);
    FeedbackReader reader = FeedbackReader.start(config, join, meters, clients);
    return new Feedback(feedback, meters, predictions, join, shadow, reader);
  }

  private static @Nullable ShadowModel shadow(
      FeedbackConfig config,
      @Nullable FrozenModel frozen,
      Predictions predictions,
      FeedbackMeters meters) {
    return frozen == null ? null : new ShadowModel(frozen, config.shadow(), predictions, meters);
  }

  /** What inputs may take that wait for labels to learn from. */
  long memoryBytes() {
    return config.memoryBytes();
  }

  /**
   * Checks that answers of another model can be joined to the same labels.
   *
   * @param outputs that model's outputs
   * @throws InvalidInputException when they hold no class scores, or of other classes
   */
  void requireFits(List<TensorInfo> outputs) {
    int expected = predictions.classes();
    int found = Predictions.of(outputs).classes();
    if (found != expected) {
      throw new InvalidInputException(
          "feedback: expected a model of " + expected + " classes as before, found " + found);
    }
  }

  /**
   * Goes on with the answers of another model; called between two batches.
   *
   * @param outputs that model's outputs, which {@linkplain #requireFits fit}
   * @param frozen that model before it adapted; null for no comparison
   */
  void follow(List<TensorInfo> outputs, @Nullable FrozenModel frozen) {
    Predictions next = Predictions.of(outputs);
    predictions = next;
    shadow = shadow(config, frozen, next, meters);
  }

  /**
   * What the frozen model makes of a batch: a class for each sample. Null when it is not asked this
   * time, or fails, which harms nothing.
   *
   * @param batch the inputs by name
   */
  public int @Nullable [] shadow(Map<String, Tensor> batch) {
    ShadowModel current = shadow;
    return current == null ? null : current.answer(batch);
  }

  /**
   * The classes in a model's outputs.
   *
   * @param outputs by name
   * @param first the first sample of the request within the batch
   * @param count the request's samples
   */
  public int[] classes(Map<String, Tensor> outputs, int first, int count) {
    return predictions.classes(outputs, first, count);
  }

  /** The classes of all samples of a batch. */
  int[] classes(Map<String, Tensor> outputs) {
    return predictions.classes(outputs);
  }

  /**
   * Takes in a request whose answer was committed.
   *
   * @param key the record's key
   * @param id the request's id; without one it can have no label
   * @param adapted the class that each sample was given
   * @param frozen what {@link #shadow} said of these samples; null where it was not asked
   * @param comparison is told what labels say of the two; null where nobody wants to know
   */
  void answered(
      byte @Nullable [] key,
      @Nullable String id,
      int[] adapted,
      int @Nullable [] frozen,
      @Nullable AnswerComparison comparison) {
    join.answered(FeedbackReader.stream(key), id, adapted, frozen, comparison);
  }

  /** The same where nobody but the meters is told. */
  public void answered(
      byte @Nullable [] key, @Nullable String id, int[] adapted, int @Nullable [] frozen) {
    answered(key, id, adapted, frozen, null);
  }

  /** Tells which partitions of the topic in are held now, so that their labels are read. */
  public void owned(Collection<Integer> partitions) {
    reader.owned(partitions);
  }

  /** Stops reading and takes the meters out of the registry. */
  @Override
  public void close() {
    reader.close();
    meters.close();
  }
}
