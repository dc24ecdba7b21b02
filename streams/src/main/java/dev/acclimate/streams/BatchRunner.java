package dev.acclimate.streams;

import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.MicroBatch.Item;
import dev.acclimate.streams.feedback.AnswerComparison;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a batch through the model and makes its responses and dead letters. When the model throws,
 * the batch's records run one by one from the state before it, so that one bad request does not
 * take its neighbours along. Belongs to the model's thread.
 */
final class BatchRunner {
  private static final Logger log = LoggerFactory.getLogger(BatchRunner.class);

  private final StreamConfig config;
  private final BatchModel model;
  private final Answering answering;
  private final StreamMeters meters;
  private final ResponseEncoder encoder;
  private final InputBatch single;
  private final TaskInput tasks;
  private final @Nullable Feedback feedback;
  private BatchModel.State spare;

  BatchRunner(
      StreamConfig config, BatchModel model, StreamMeters meters, @Nullable Feedback feedback) {
    this.config = config;
    this.model = model;
    this.answering = Answering.by(model);
    this.meters = meters;
    this.encoder = new ResponseEncoder(model.outputs(), config.modelName(), config.modelVersion());
    this.single = new InputBatch(model.inputs(), config.batching().max());
    this.feedback = feedback;
    this.tasks = new TaskInput(model, config.batching());
    this.spare = model.newState();
  }

  /**
   * What became of a batch.
   *
   * @param outgoing the records to send
   * @param tally what to count once it is committed
   * @param next the state after it; the very one before where no step was taken
   * @param unused what the run was given to write and did not need; null where it did
   * @param byTheBook false when running the batch again might take another way, as after the model
   *     threw, or cannot be done from the log in, as with labels
   * @param modelNanos the model's time
   * @param predictions what was answered, for labels to come
   * @param events what the guard did
   */
  record Outcome(
      OutgoingRecords outgoing,
      BatchTally tally,
      BatchModel.State next,
      BatchModel.@Nullable State unused,
      boolean byTheBook,
      long modelNanos,
      List<Prediction> predictions,
      List<GuardEvent> events) {}

  /**
   * The classes that a request was answered with.
   *
   * @param frozen the frozen model's; null where it was not asked
   * @param comparison is told what labels say of the two; null where nobody wants to know
   */
  @SuppressWarnings("ArrayRecordComponent") // handed on, neither copied nor compared
  record Prediction(
      Item.Accepted item,
      int[] adapted,
      int @Nullable [] frozen,
      @Nullable AnswerComparison comparison) {}

  /**
   * Runs a batch.
   *
   * @param from the state before; left as it is
   * @param into may be written, and then belongs to the outcome
   */
  Outcome run(MicroBatch batch, BatchModel.State from, BatchModel.State into) {
    return batch.lesson() == null ? answer(batch, from, into) : learn(batch.lesson(), from, into);
  }

  /** Its labels are used up either way: a step that is refused would be refused again. */
  private Outcome learn(Lesson lesson, BatchModel.State from, BatchModel.State into) {
    boolean taken = false;
    long start = System.nanoTime();
    try {
      taken = model.learn(lesson.samples().tensors(), lesson.labels(), from, into);
    } catch (RuntimeException e) {
      log.warn("the model failed to learn from {} labels: {}", lesson.fresh(), e.toString());
      log.debug("the model's failure", e);
    }
    long nanos = System.nanoTime() - start;
    meters.learningTook(nanos);
    return new Outcome(
        new OutgoingRecords(config, model.method()),
        new BatchTally(),
        taken ? into : from,
        taken ? null : into,
        false,
        nanos,
        List.of(),
        List.of());
  }

  private Outcome answer(MicroBatch batch, BatchModel.State from, BatchModel.State into) {
    OutgoingRecords outgoing = new OutgoingRecords(config, model.method());
    BatchTally tally = new BatchTally();
    long start = System.nanoTime();
    if (batch.samples().samples() == 0) {
      for (Item item : batch.items()) {
        if (item instanceof Item.Refused refused) {
          refuse(item, refused.why(), outgoing, tally);
        }
      }
      return new Outcome(outgoing, tally, from, into, true, 0, List.of(), List.of());
    }
    BatchAnswers answers;
    try {
      answers = answering.answer(batch, tasks.withTasks(batch), from, into);
    } catch (RuntimeException e) {
      log.warn(
          "the model failed on a batch of {}, trying its records one by one: {}",
          batch.lane().id(),
          e.toString());
      log.debug("the model's failure", e);
      return oneByOne(batch, from, into, outgoing, tally, start);
    }
    long nanos = timed(start, answers.frozenNanos());
    tally.ran(answers.fate());
    int[] frozen = frozenClasses(answers, batch.samples().tensors());
    List<Prediction> predictions = new ArrayList<>();
    for (Item item : batch.items()) {
      if (item instanceof Item.Refused refused) {
        refuse(item, refused.why(), outgoing, tally);
      } else if (item instanceof Item.Accepted accepted) {
        try {
          respond(accepted, answers, accepted.first(), outgoing, tally);
          predict(accepted, answers, accepted.first(), frozen, predictions);
        } catch (InvalidRecordException e) {
          refuse(item, e, outgoing, tally);
        }
      }
    }
    return new Outcome(
        outgoing,
        tally,
        answers.next(),
        answers.next() == from ? into : null,
        answers.isByTheBook(),
        nanos,
        predictions,
        answers.events());
  }

  private Outcome oneByOne(
      MicroBatch batch,
      BatchModel.State from,
      BatchModel.State into,
      OutgoingRecords outgoing,
      BatchTally tally,
      long start) {
    List<Prediction> predictions = new ArrayList<>();
    BatchModel.State state = from;
    BatchModel.State other = into;
    long frozenNanos = 0;
    for (Item item : batch.items()) {
      if (item instanceof Item.Refused refused) {
        refuse(item, refused.why(), outgoing, tally);
      } else if (item instanceof Item.Accepted accepted) {
        single.clear();
        single.addFrom(batch.samples(), accepted.first(), accepted.request().samples());
        try {
          BatchAnswers answers = alone(single.tensors(), state, other);
          tally.ran(answers.fate());
          frozenNanos += answers.frozenNanos();
          if (answers.next() != state) {
            // the state before the batch must outlive it: it is what a rollback goes back to
            other = state == from ? spare : state;
            state = answers.next();
          }
          respond(accepted, answers, 0, outgoing, tally);
          predict(accepted, answers, 0, null, predictions);
        } catch (InvalidRecordException e) {
          refuse(item, e, outgoing, tally);
        }
      }
    }
    long nanos = timed(start, frozenNanos);
    if (state == spare) {
      spare = into;
    }
    return new Outcome(
        outgoing, tally, state, state == from ? into : null, false, nanos, predictions, List.of());
  }

  private BatchAnswers alone(
      Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into)
      throws InvalidRecordException {
    try {
      return answering.answerAlone(inputs, from, into);
    } catch (RuntimeException e) {
      throw new InvalidRecordException(DeadLetterReason.MODEL_FAILURE, e.toString());
    }
  }

  /**
   * The frozen model's classes, to be compared with the adapted one's; null where there are none.
   */
  private int @Nullable [] frozenClasses(BatchAnswers answers, Map<String, Tensor> inputs) {
    if (feedback == null || answers.adapted() == null) {
      return null;
    }
    return answers.frozen() == null ? feedback.shadow(inputs) : feedback.classes(answers.frozen());
  }

  private void respond(
      Item.Accepted item,
      BatchAnswers answers,
      int first,
      OutgoingRecords outgoing,
      BatchTally tally)
      throws InvalidRecordException {
    InferenceResponse response = encoder.encode(item.request(), answers.to(item.record()), first);
    Answerer answerer = answers.answerer(item.record());
    outgoing.answer(item.record(), response, answers.step(), answerer);
    tally.answer(answerer);
  }

  /**
   * Notes the classes of a request, whose first sample's outputs are at {@code first}: the adapted
   * model's whoever answered it, and those that went out where it was not asked.
   */
  private void predict(
      Item.Accepted item,
      BatchAnswers answers,
      int first,
      int @Nullable [] frozen,
      List<Prediction> predictions) {
    if (feedback != null) {
      int samples = item.request().samples();
      Map<String, Tensor> adapted = answers.adapted();
      predictions.add(
          new Prediction(
              item,
              feedback.classes(
                  adapted == null ? answers.to(item.record()) : adapted, first, samples),
              frozen == null ? null : Arrays.copyOfRange(frozen, first, first + samples),
              answers.guarded() == null ? null : answers.guarded().labels()));
    }
  }

  private static void refuse(
      Item item, InvalidRecordException why, OutgoingRecords outgoing, BatchTally tally) {
    outgoing.refuse(item.record(), why);
    tally.refuse(why.reason());
    TraceContext.logging(
        item.record().headers(),
        () ->
            log.debug(
                "dead letter at {}-{}: {}",
                item.record().partition(),
                item.record().offset(),
                why.getMessage()));
  }

  /** The adapted model's time, the frozen one's taken off. */
  private long timed(long start, long frozenNanos) {
    long nanos = System.nanoTime() - start - frozenNanos;
    meters.modelTook(nanos, frozenNanos);
    return nanos;
  }

  /** Runs a batch again for its state alone. */
  BatchModel.State replay(MicroBatch batch, BatchModel.State from, BatchModel.State into) {
    if (batch.samples().samples() == 0) {
      return from;
    }
    return model.run(tasks.withTasks(batch), from, into).adapted() ? into : from;
  }

  /** What watches over a stream's state begins anew. */
  void forget(Lane lane, String stream) {
    answering.forget(lane, stream);
  }

  /** What watches over the states of a lane begins anew. */
  void forget(Lane lane) {
    answering.forget(lane);
  }

  void close() {
    answering.close();
    single.close();
    tasks.close();
    spare.close();
  }
}
