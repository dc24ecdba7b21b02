package dev.acclimate.streams;

import dev.acclimate.streams.StreamHealth.Status;
import dev.acclimate.streams.journal.BatchBoundary;
import dev.acclimate.streams.journal.Checkpoint;
import dev.acclimate.streams.journal.JournalKey;
import dev.acclimate.streams.journal.JournalPointer;
import dev.acclimate.streams.journal.JournalWriter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records in, batches through the model, answers out. One thread reads, gathers and commits; the
 * model's own thread runs batches meanwhile, {@value #IN_FLIGHT} of them ahead of the commit, so
 * that neither waits for the other. Belongs to the reading thread.
 */
final class Pipeline {
  /** One runs, one waits for it to end: the model never idles while a batch is due. */
  private static final int IN_FLIGHT = 2;

  private static final Duration MAX_POLL = Duration.ofMillis(200);
  private static final Duration LOOK_IN_FLIGHT = Duration.ofMillis(5);
  private static final Duration CONSUMER_TIMEOUT = Duration.ofSeconds(15);

  /** About what a stream takes in a checkpoint. */
  private static final long MARK_BYTES = 40;

  private static final Logger log = LoggerFactory.getLogger(Pipeline.class);

  private final StreamConfig config;
  private final BatchModel model;
  private final StreamMeters meters;
  private final TransactionalOutbox outbox;
  private final ModelThread modelThread;
  private final @Nullable Feedback feedback;
  private final GuardReports guards;
  private final Clients shared;
  private final Consumer<byte[], byte[]> consumer;
  private final @Nullable Consumer<byte[], byte[]> reader;
  private final @Nullable StateJournal journal;
  private final @Nullable ControlTail controls;
  private final RequestDecoder decoder;
  private final BatchRunner runner;
  private final InputBatchPool batches;
  private final StatePool states;
  private final StateMemory memory;
  private final Map<TopicPartition, Lane> lanes = new LinkedHashMap<>();
  private final Set<Lane> arrivals = new LinkedHashSet<>();
  private final Deque<MicroBatch> due = new ArrayDeque<>();
  private final Deque<Flight> flights = new ArrayDeque<>();
  private volatile Shown shown = new Shown(0, 0, 0);
  private @Nullable Commit inDoubt;
  private int barrenBatches;

  /** What the meters show. */
  private record Shown(int due, int streams, int resident) {}

  /**
   * What a pipeline hands on to its successor.
   *
   * @param consumer the member of the group
   * @param reader reads the journal, and again what states need; null without a state topic
   * @param controls what operators ask for; null without a state topic
   * @param labels what methods learn from; null without a feedback topic
   * @param switching is told of a method that they ask for
   */
  private record Clients(
      Consumer<byte[], byte[]> consumer,
      @Nullable Consumer<byte[], byte[]> reader,
      @Nullable ControlTail controls,
      @Nullable LabelLog labels,
      java.util.function.Consumer<String> switching) {
    static Clients open(
        KafkaClients clients, StreamConfig config, java.util.function.Consumer<String> switching) {
      String topic = config.topics().state();
      return new Clients(
          clients.openConsumer(config),
          topic == null ? null : clients.openReader(config),
          topic == null ? null : ControlTail.open(clients, config, topic),
          config.topics().feedback() == null ? null : new LabelLog(clients, config),
          switching);
    }
  }

  Pipeline(
      StreamConfig config,
      BatchModel model,
      StreamMeters meters,
      TransactionalOutbox outbox,
      ModelThread modelThread,
      @Nullable Feedback feedback,
      GuardReports guards,
      KafkaClients clients,
      java.util.function.Consumer<String> switching) {
    this(
        config,
        model,
        meters,
        outbox,
        modelThread,
        feedback,
        guards,
        Clients.open(clients, config, switching));
    consumer.subscribe(List.of(config.topics().in()), new Rebalances());
  }

  private Pipeline(
      StreamConfig config,
      BatchModel model,
      StreamMeters meters,
      TransactionalOutbox outbox,
      ModelThread modelThread,
      @Nullable Feedback feedback,
      GuardReports guards,
      Clients shared) {
    this.config = config;
    this.model = model;
    this.meters = meters;
    this.outbox = outbox;
    this.modelThread = modelThread;
    this.feedback = feedback;
    this.guards = guards;
    this.shared = shared;
    this.consumer = shared.consumer();
    this.reader = shared.reader();
    this.controls = shared.controls();
    this.decoder =
        new RequestDecoder(model.inputs(), model.outputs(), config.batching().maxRecordBytes());
    this.runner = new BatchRunner(config, model, meters, feedback);
    this.batches = new InputBatchPool(model.inputs(), config.batching().max());
    this.states = new StatePool(model);
    this.memory = new StateMemory(config.states().memoryBytes());
    String topic = config.topics().state();
    this.journal =
        reader == null || topic == null ? null : new StateJournal(reader, topic, config.group());
  }

  /**
   * A pipeline that goes on in this one's place after {@link #handOver}, with the same clients: to
   * the group nothing happens. Its lanes find their place in the fold in the journal.
   */
  Pipeline successor(StreamConfig changed, BatchModel next, StreamMeters nextMeters) {
    Pipeline successor =
        new Pipeline(changed, next, nextMeters, outbox, modelThread, feedback, guards, shared);
    for (Lane lane : lanes()) {
      successor.open(lane.id(), List.copyOf(lane.partitions()));
    }
    consumer.subscribe(List.of(changed.topics().in()), successor.new Rebalances());
    return successor;
  }

  private void open(String id, List<TopicPartition> partitions) {
    Lane lane = new Lane(id, partitions, config, decoder, batches);
    if (feedback != null) {
      long memoryBytes = feedback.memoryBytes();
      model
          .lessons()
          .map(lessons -> new LaneLessons(lane, model, lessons, config, memoryBytes, meters))
          .ifPresent(lane::learn);
    }
    partitions.forEach(partition -> lanes.put(partition, lane));
    arrivals.add(lane);
  }

  Consumer<byte[], byte[]> consumer() {
    return consumer;
  }

  int partitions() {
    return lanes.size();
  }

  /** Batches that wait, as of the last turn; from any thread, like the next two. */
  int due() {
    return shown.due();
  }

  /** Streams that the lanes know. */
  int streams() {
    return shown.streams();
  }

  /** States in memory. */
  int resident() {
    return shown.resident();
  }

  StreamHealth health() {
    String detail = lanes.isEmpty() ? "no partition of " + config.topics().in() : "";
    return new StreamHealth(Status.RUNNING, lanes.size(), detail);
  }

  /**
   * Polls, gathers batches, gives the model what is due and commits what it has done.
   *
   * @return true when a batch was committed
   */
  boolean turn() {
    poll();
    welcome();
    obey();
    gather();
    teach();
    launch();
    boolean committed = commitDone();
    int streams = lanes().stream().mapToInt(lane -> lane.streams().size()).sum();
    shown = new Shown(due.size(), streams, memory.resident());
    return committed;
  }

  private void poll() {
    pauseWhatIsAhead();
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(timeout())) {
      Lane lane = lanes.get(new TopicPartition(record.topic(), record.partition()));
      if (lane != null) {
        lane.arrive(record);
      }
    }
  }

  /** Partitions whose lanes have a batch waiting for the model are not read on meanwhile. */
  private void pauseWhatIsAhead() {
    Set<Lane> busy = new LinkedHashSet<>();
    due.forEach(batch -> busy.add(batch.lane()));
    List<TopicPartition> pause = new ArrayList<>();
    List<TopicPartition> resume = new ArrayList<>();
    Set<TopicPartition> paused = consumer.paused();
    lanes.forEach(
        (partition, lane) -> {
          boolean ahead = busy.contains(lane) || lane.hasArrivals(partition);
          if (ahead != paused.contains(partition)) {
            (ahead ? pause : resume).add(partition);
          }
        });
    if (!pause.isEmpty()) {
      consumer.pause(pause);
    }
    if (!resume.isEmpty()) {
      consumer.resume(resume);
    }
  }

  private Duration timeout() {
    Flight first = flights.peek();
    if (first != null) {
      // not waited for in poll: while records of a paused partition lie fetched in the consumer of
      // the broker-side protocol, its poll spins, on a core that the model could use
      first.await(LOOK_IN_FLIGHT);
      return Duration.ZERO;
    }
    long wait = MAX_POLL.toNanos();
    long now = System.nanoTime();
    for (Lane lane : lanes.values()) {
      OptionalLong oldest = lane.oldestNanos();
      if (oldest.isPresent()) {
        wait = Math.min(wait, oldest.getAsLong() + config.batching().delay().toNanos() - now);
      }
    }
    // rounded up: polling for the last fraction of a millisecond would spin
    return due.isEmpty()
        ? Duration.ofMillis(Math.max(1, (wait + 999_999) / 1_000_000))
        : Duration.ZERO;
  }

  /** Gives lanes that came with a rebalance their place in the fold. */
  private void welcome() {
    for (Iterator<Lane> arriving = arrivals.iterator(); arriving.hasNext(); ) {
      Lane lane = arriving.next();
      long start = System.nanoTime();
      Map<TopicPartition, OffsetAndMetadata> committed = committed(lane.partitions());
      recover(lane, committed);
      if (controls != null && journal != null) {
        lane.obeyedControlsUpTo(controls.follow(lane, journal.partitionOf(lane)));
      }
      arriving.remove();
      meters.recovered(System.nanoTime() - start);
      log.info(
          "{} takes {} from {}: {} batches before, {} streams, {} ms",
          config.transactionalId(),
          lane.id(),
          committed.isEmpty() ? "where its log starts" : offsets(committed),
          lane.sequence(),
          lane.streams().size(),
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
    }
  }

  private static List<Long> offsets(Map<TopicPartition, OffsetAndMetadata> committed) {
    return committed.values().stream().map(OffsetAndMetadata::offset).toList();
  }

  private Map<TopicPartition, OffsetAndMetadata> committed(Set<TopicPartition> partitions) {
    Map<TopicPartition, OffsetAndMetadata> found;
    try {
      found = consumer.committed(partitions, CONSUMER_TIMEOUT);
    } catch (TimeoutException e) {
      throw new TimeoutException(
          "no committed offsets of %s within %d s: no broker answers, or a transaction holds them"
                  .formatted(partitions, CONSUMER_TIMEOUT.toSeconds())
              + " (one that holds them for longer than its timeout has lost its end in the broker)",
          e);
    }
    Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
    found.forEach(
        (partition, offset) -> {
          if (offset != null) {
            committed.put(partition, offset);
          }
        });
    return committed;
  }

  private static JournalPointer pointer(Map<TopicPartition, OffsetAndMetadata> committed) {
    JournalPointer latest = new JournalPointer(0, -1);
    for (OffsetAndMetadata offset : committed.values()) {
      JournalPointer pointer = JournalPointer.parse(offset.metadata()).orElse(latest);
      latest = pointer.isAfter(latest) ? pointer : latest;
    }
    return latest;
  }

  private void recover(Lane lane, Map<TopicPartition, OffsetAndMetadata> committed) {
    recoverStates(lane, committed);
    LaneLessons lessons = lane.lessons();
    LabelLog labels = shared.labels();
    if (lessons != null && labels != null) {
      lessons.forget();
      recall(lane, lessons, committed);
      Set<TopicPartition> partitions = labels.partitionsOf(lane);
      labels.follow(lessons, partitions, committed(partitions));
    }
  }

  /** Reads again the requests whose labels may come yet. */
  private void recall(
      Lane lane, LaneLessons lessons, Map<TopicPartition, OffsetAndMetadata> committed) {
    if (reader == null || committed.isEmpty()) {
      return;
    }
    Map<TopicPartition, Long> from =
        new HashMap<>(reader.beginningOffsets(committed.keySet(), CONSUMER_TIMEOUT));
    int most = lessons.mostRequests() / committed.size();
    committed.forEach(
        (partition, behind) -> from.merge(partition, behind.offset() - most, Math::max));
    LogReader logReader = new LogReader(reader, from);
    MicroBatch batch = null;
    for (Map.Entry<TopicPartition, Long> start : from.entrySet()) {
      long end = Objects.requireNonNull(committed.get(start.getKey())).offset();
      for (long offset = start.getValue(); offset < end; offset++) {
        ConsumerRecord<byte[], byte[]> record = logReader.at(start.getKey(), offset).orElse(null);
        if (record == null) {
          continue;
        }
        if (batch != null && !batch.add(record, decoder)) {
          answeredBefore(lessons, batch);
          batch = null;
        } else if (batch != null) {
          continue;
        }
        batch = new MicroBatch(lane, JournalKey.WHOLE_LANE, batches.take(), record, 0, 0);
        if (!batch.add(record, decoder)) {
          throw new IllegalStateException("a record that fits no batch: offset " + offset);
        }
      }
    }
    if (batch != null) {
      answeredBefore(lessons, batch);
    }
  }

  private void answeredBefore(LaneLessons lessons, MicroBatch batch) {
    lessons.answered(batch);
    batches.give(batch.samples());
  }

  private void recoverStates(Lane lane, Map<TopicPartition, OffsetAndMetadata> committed) {
    JournalPointer pointer = pointer(committed);
    forgetStates(lane);
    if (journal == null) {
      lane.restore(new LaneSnapshot(pointer.sequence(), -1, -1, Map.of(), List.of()));
      return;
    }
    if (pointer.checkpoint() < 0) {
      lane.restore(journal.search(lane, pointer, model.variant()));
      return;
    }
    StateJournal.Recovery recovery = journal.recover(lane, pointer, model.variant());
    lane.restore(recovery.snapshot());
    replay(lane, recovery.replay());
  }

  private void forgetStates(Lane lane) {
    for (StreamState state : lane.streams().values()) {
      memory.left(state);
      states.give(state.park());
    }
  }

  /** Runs batches again whose states the journal does not hold. */
  private void replay(Lane lane, List<BatchBoundary> boundaries) {
    if (boundaries.isEmpty() || reader == null) {
      return;
    }
    Map<TopicPartition, Long> from = new HashMap<>();
    for (BatchBoundary boundary : boundaries) {
      for (BatchBoundary.Run run : boundary.runs()) {
        from.merge(
            new TopicPartition(config.topics().in(), run.partition()), run.first(), Math::min);
      }
    }
    Map<String, BatchModel.State> replayed = new LinkedHashMap<>();
    Set<String> broken = new LinkedHashSet<>();
    // one reader serves journal and log: states first, then the log
    for (BatchBoundary boundary : boundaries) {
      StreamState state = lane.stream(boundary.stream());
      if (state.isParked() && !replayed.containsKey(boundary.stream())) {
        replayed.put(
            boundary.stream(), Objects.requireNonNull(journal).bringBack(lane, state, model));
      }
    }
    LogReader logReader = new LogReader(reader, from);
    for (BatchBoundary boundary : boundaries) {
      BatchModel.State before = replayed.getOrDefault(boundary.stream(), model.initialState());
      // a batch that left the state where it was, as all do in mode off, is not run again
      boolean moved = before.step() != boundary.step();
      if (moved && !broken.contains(boundary.stream())) {
        MicroBatch batch = read(lane, boundary, logReader);
        if (batch == null) {
          broken.add(boundary.stream());
          continue;
        }
        BatchModel.State into = states.take();
        BatchModel.State after = modelThread.call(() -> runner.replay(batch, before, into));
        batches.give(batch.samples());
        if (after == before) {
          states.give(into);
        } else {
          states.give(before);
          replayed.put(boundary.stream(), after);
        }
        if (after.step() != boundary.step()) {
          log.warn(
              "{}: batch {} led to step {} and now to step {}: the model is not deterministic",
              lane.id(),
              boundary.sequence(),
              boundary.step(),
              after.step());
        }
      }
    }
    replayed.forEach(
        (name, after) -> {
          StreamState state = lane.stream(name);
          if (after != model.initialState()) {
            boolean moved = after.step() != state.step() || !state.isParked();
            if (moved) {
              states.give(state.moveTo(after));
            } else {
              state.bringBack(after);
            }
            memory.used(state, lane);
          }
        });
    log.info("{}: {} batches since the last snapshot run again", lane.id(), boundaries.size());
  }

  private @Nullable MicroBatch read(Lane lane, BatchBoundary boundary, LogReader logReader) {
    MicroBatch batch = null;
    for (BatchBoundary.Run run : boundary.runs()) {
      TopicPartition partition = new TopicPartition(config.topics().in(), run.partition());
      for (long offset = run.first(); offset < run.first() + run.count(); offset++) {
        ConsumerRecord<byte[], byte[]> record = logReader.at(partition, offset).orElse(null);
        if (record == null) {
          log.error(
              "{}: record {} of {} is gone, which the state of stream {} needs: it goes on from"
                  + " its last snapshot; let the topic keep its records for longer",
              lane.id(),
              offset,
              partition,
              boundary.stream());
          return null;
        }
        if (batch == null) {
          batch = new MicroBatch(lane, boundary.stream(), batches.take(), record, 0, 0);
        }
        if (!batch.add(record, decoder)) {
          throw new IllegalStateException(
              lane.id() + ": batch " + boundary.sequence() + " does not fit " + offset);
        }
      }
    }
    return batch;
  }

  private void gather() {
    long now = System.nanoTime();
    for (Lane lane : lanes()) {
      if (!arrivals.contains(lane)) {
        lane.gather(now, this::isAtEnd, this::enqueue);
      }
    }
  }

  /** Steps that labels make due go between the batches as they come. */
  private void teach() {
    LabelLog labels = shared.labels();
    if (labels == null) {
      return;
    }
    labels.poll();
    long now = System.nanoTime();
    for (Lane lane : lanes()) {
      if (!arrivals.contains(lane)) {
        MicroBatch lesson = lane.nextLesson(now, lane.isAtEnd(this::isAtEnd));
        if (lesson != null) {
          enqueue(lesson);
        }
      }
    }
  }

  private Set<Lane> lanes() {
    return new LinkedHashSet<>(lanes.values());
  }

  private boolean isAtEnd(TopicPartition partition) {
    OptionalLong lag = consumer.currentLag(partition);
    return lag.isPresent() && lag.getAsLong() <= 0;
  }

  private void enqueue(MicroBatch batch) {
    batch.lane().stream(batch.stream()).pin();
    due.add(batch);
  }

  /** Does what operators ask for, between two batches: until then nothing new is launched. */
  private void obey() {
    if (controls == null) {
      return;
    }
    controls.poll(System.nanoTime());
    for (Lane lane : lanes()) {
      if (arrivals.contains(lane)) {
        continue;
      }
      List<ControlTail.Asked> asked = controls.asked(lane);
      if (asked.isEmpty()) {
        lane.obeyedControlsUpTo(controls.readUpTo(lane));
      } else if (flights.isEmpty()) {
        obey(lane, asked, controls);
      }
    }
  }

  private void obey(Lane lane, List<ControlTail.Asked> asked, ControlTail tail) {
    // until the commit is through, the journal knows the lane's place better than the memory
    arrivals.add(lane);
    String method = "";
    for (ControlTail.Asked one : asked) {
      switch (one.control().action()) {
        case RESET -> reset(lane, one);
        case SWITCH -> method = one.control().method();
      }
    }
    lane.obeyedControlsUpTo(tail.readUpTo(lane));
    commitCheckpoint(lane, Objects.requireNonNull(journal));
    tail.obeyed(lane);
    arrivals.remove(lane);
    lane.forgetUntouched();
    if (!method.isEmpty()) {
      // noted as obeyed first: whoever takes over need not be asked again
      log.info("{}: the state topic asks for {}", lane.id(), method);
      shared.switching().accept(method);
    }
  }

  private void reset(Lane lane, ControlTail.Asked asked) {
    boolean all = asked.stream().equals(JournalKey.ALL);
    List<StreamState> concerned =
        lane.streams().values().stream()
            .filter(state -> all || state.stream().equals(asked.stream()))
            .toList();
    for (StreamState state : concerned) {
      modelThread.execute(() -> runner.forget(lane, state.stream()));
      memory.left(state);
      states.give(state.reset());
    }
    log.info(
        "{}: {} reset, {} states start anew, as the state topic asks for at offset {}",
        lane.id(),
        all ? "all streams" : "stream " + JournalKey.display(asked.stream()),
        concerned.size(),
        asked.offset());
  }

  /** True while something is asked for that has to wait for the flights to end. */
  private boolean isHeld() {
    return controls != null
        && controls.isAsked()
        && lanes().stream()
            .anyMatch(lane -> !arrivals.contains(lane) && !controls.asked(lane).isEmpty());
  }

  private void launch() {
    if (isHeld()) {
      return;
    }
    while (flights.size() < IN_FLIGHT && !due.isEmpty()) {
      MicroBatch batch = due.remove();
      StreamState state = batch.lane().stream(batch.stream());
      Flight flight =
          new Flight(
              batch, state, before(state), start(batch.lane(), state), states.take(), runner);
      flights.add(flight);
      modelThread.execute(flight.task());
    }
  }

  /** The flight of the same stream that this one goes on from. */
  private @Nullable Flight before(StreamState state) {
    Flight before = null;
    for (Flight flight : flights) {
      if (flight.state() == state) {
        before = flight;
      }
    }
    return before;
  }

  private BatchModel.State start(Lane lane, StreamState state) {
    if (state.isParked() && journal != null) {
      state.bringBack(journal.bringBack(lane, state, model));
      memory.used(state, lane);
    }
    BatchModel.State resident = state.resident();
    return resident == null ? model.initialState() : resident;
  }

  private boolean commitDone() {
    boolean committed = false;
    while (!flights.isEmpty() && flights.peek().isDone()) {
      Flight flight = flights.peek();
      BatchRunner.Outcome outcome = flight.outcome();
      if (flight.batch().lane().isLost()) {
        flights.remove();
        discard(flight);
        continue;
      }
      Commit commit = commit(flight, outcome);
      flights.remove();
      apply(commit);
      committed = true;
      // the model may have become idle meanwhile
      launch();
    }
    return committed;
  }

  /**
   * A transaction that was tried, and what it means when it has gone through.
   *
   * @param flight the batch
   * @param outcome what became of it
   * @param sequence the batch's number in its lane
   * @param checkpoint the journal offset of the checkpoint that went along, -1 for none
   * @param snapshots the states that went along, and where they lie
   * @param leaving states that leave the memory with it
   */
  private record Commit(
      Flight flight,
      BatchRunner.Outcome outcome,
      long sequence,
      long checkpoint,
      Map<StreamState, Future<RecordMetadata>> snapshots,
      List<StreamState> leaving) {}

  private Commit commit(Flight flight, BatchRunner.Outcome outcome) {
    guardAgainstBrokenModel(outcome.tally());
    Lane lane = flight.batch().lane();
    long start = System.nanoTime();
    if (flight.batch().lesson() != null) {
      standSomewhere(lane); // labels may come before the first request does
    }
    lane.snapshots().ran(flight.batch().bytes(), outcome.modelNanos());
    memory.used(flight.state(), lane);
    Step step =
        new Step(lane.sequence() + 1, flight.state(), outcome.next(), flight.batch().endOffset());
    List<StreamState> leaving = journal == null ? List.of() : memory.surplus(stateBytes(), lane);
    outbox.begin();
    outbox.send(outcome.outgoing().records());
    Map<StreamState, Future<RecordMetadata>> snapshots = Map.of();
    long checkpoint = -1;
    if (journal != null) {
      JournalWriter writer = journal.writer(lane);
      if (isCheckpointDue(lane, flight.state(), outcome)) {
        snapshots = sendSnapshots(writer, lane.streams().values(), step);
        checkpoint = sendCheckpoint(writer, lane, step, snapshots);
      } else {
        Set<StreamState> written = new LinkedHashSet<>(leaving);
        if (!outcome.byTheBook()) {
          written.add(flight.state());
        }
        // the boundary comes last: with it, whoever reads has seen the whole commit
        snapshots = sendSnapshots(writer, written, step);
        var unused = send(writer.boundary(boundary(flight.batch(), step)));
      }
    }
    Commit commit = new Commit(flight, outcome, step.sequence(), checkpoint, snapshots, leaving);
    inDoubt = commit;
    outbox.commit(
        lane.offsetsBehind(flight.batch(), pointer(lane, step.sequence(), checkpoint)),
        consumer.groupMetadata());
    inDoubt = null;
    meters.committing(System.nanoTime() - start);
    return commit;
  }

  /**
   * What a commit does to the fold.
   *
   * @param sequence batches committed with it
   * @param stream the stream that a batch was of; null for a checkpoint by itself
   * @param next that stream's state afterwards
   * @param upTo the offset behind that batch
   */
  private record Step(
      long sequence, @Nullable StreamState stream, BatchModel.State next, long upTo) {}

  private long stateBytes() {
    return model.initialState().sizeInBytes();
  }

  private static JournalPointer pointer(Lane lane, long sequence, long checkpoint) {
    return new JournalPointer(sequence, checkpoint >= 0 ? checkpoint : lane.checkpoint());
  }

  private BatchBoundary boundary(MicroBatch batch, Step step) {
    return new BatchBoundary(
        step.sequence(), model.variant(), batch.stream(), step.next().step(), batch.runs());
  }

  /**
   * A batch that running again would not lead to the same state commits with a snapshot of it, by
   * whose step a recovery knows that it need not be run. Where a lane has one stream, that may as
   * well be a checkpoint; among many it would take all that changed along.
   */
  private boolean isCheckpointDue(Lane lane, StreamState present, BatchRunner.Outcome outcome) {
    if (lane.checkpoint() < 0 || (!outcome.byTheBook() && lane.streams().size() == 1)) {
      return true;
    }
    if (!lane.snapshots().isDue(0)) {
      return false;
    }
    long dirty = lane.streams().values().stream().filter(s -> s.isDirty() || s == present).count();
    long cost = dirty * stateBytes() + lane.streams().size() * MARK_BYTES;
    return lane.snapshots().isDue(cost);
  }

  private Future<RecordMetadata> send(List<ProducerRecord<byte[], byte[]>> records) {
    meters.journaled(records.stream().mapToLong(r -> r.value().length).sum());
    return outbox.sendTraced(records);
  }

  /** Sends the states that the journal does not hold yet. */
  private Map<StreamState, Future<RecordMetadata>> sendSnapshots(
      JournalWriter writer, Collection<StreamState> streams, Step step) {
    Map<StreamState, Future<RecordMetadata>> snapshots = new LinkedHashMap<>();
    for (StreamState state : streams) {
      boolean present = state == step.stream();
      BatchModel.State now = present ? step.next() : state.resident();
      boolean changed = state.isDirty() || (present && now != present(state));
      if (now != null && changed) {
        snapshots.put(state, send(writer.state(model.variant(), state.stream(), now.toBytes())));
      }
    }
    return snapshots;
  }

  private BatchModel.State present(StreamState state) {
    BatchModel.State resident = state.resident();
    return resident == null ? model.initialState() : resident;
  }

  private long sendCheckpoint(
      JournalWriter writer,
      Lane lane,
      Step step,
      Map<StreamState, Future<RecordMetadata>> snapshots) {
    outbox.flush();
    Map<String, Checkpoint.Mark> marks = new LinkedHashMap<>();
    for (StreamState state : lane.streams().values()) {
      Future<RecordMetadata> sent = snapshots.get(state);
      boolean present = state == step.stream();
      marks.put(
          state.stream(),
          new Checkpoint.Mark(
              sent == null ? state.snapshot() : TransactionalOutbox.offset(sent),
              present ? step.next().step() : state.step(),
              present ? Math.max(state.upTo(), step.upTo()) : state.upTo()));
    }
    Future<RecordMetadata> sent =
        send(
            writer.checkpoint(
                new Checkpoint(
                    step.sequence(), model.variant(), lane.variants(), lane.control(), marks)));
    outbox.flush();
    return TransactionalOutbox.offset(sent);
  }

  /** A commit went through: the fold moves on. */
  private void apply(Commit commit) {
    Flight flight = commit.flight();
    MicroBatch batch = flight.batch();
    Lane lane = batch.lane();
    StreamState state = flight.state();
    BatchRunner.Outcome outcome = commit.outcome();
    Lesson lesson = batch.lesson();
    if (lesson != null) {
      meters.learnt(lesson.fresh(), outcome.unused() == null);
    } else {
      meters.committed(
          outcome.tally(),
          batch.samples().samples(),
          batch.samples().capacity(),
          Duration.ofNanos(System.nanoTime() - batch.firstNanos()));
    }
    if (outcome.next() != present(state)) {
      states.give(state.moveTo(outcome.next()));
    }
    states.give(outcome.unused());
    state.unpin();
    if (state.resident() == null) {
      memory.left(state);
    }
    commit.snapshots().forEach((s, sent) -> s.snapshotAt(TransactionalOutbox.offset(sent)));
    for (StreamState leaving : commit.leaving()) {
      memory.left(leaving);
      states.give(leaving.park());
    }
    outcome.events().forEach(event -> guards.tell(batch, event));
    if (feedback != null) {
      for (BatchRunner.Prediction made : outcome.predictions()) {
        feedback.answered(
            made.item().record().key(),
            made.item().request().id(),
            made.adapted(),
            made.frozen(),
            made.comparison());
      }
    }
    lane.committed(batch, commit.sequence());
    if (commit.checkpoint() >= 0) {
      lane.checkpointAt(commit.checkpoint());
      lane.forgetUntouched();
    }
    log.debug(
        "{} committed {} records of {}, batch {}",
        config.transactionalId(),
        outcome.tally().records(),
        lane.id(),
        commit.sequence());
  }

  private void guardAgainstBrokenModel(BatchTally tally) {
    barrenBatches = tally.onlyModelFailures() ? barrenBatches + 1 : 0;
    if (barrenBatches >= StreamProcessor.MAX_BARREN_BATCHES) {
      throw new IllegalStateException(
          "the model failed on every record of "
              + barrenBatches
              + " batches in a row: stopped before more records become dead letters");
    }
  }

  /** Gives back what a flight that comes to nothing has taken, its run over. */
  private void discard(Flight flight) {
    try {
      BatchRunner.Outcome outcome = flight.outcome();
      states.give(outcome.unused() == null ? outcome.next() : outcome.unused());
    } catch (RuntimeException e) {
      log.debug("a run that nobody waits for failed", e);
    }
    if (flight.batch().lane().isLost()) {
      StreamState state = flight.state();
      state.unpin();
      if (flight.batch().lesson() == null) {
        batches.give(flight.batch().samples());
      }
      if (!state.isPinned()) {
        states.give(state.park());
      }
    }
  }

  /** Goes back to the last commit: what is in hand is dropped and will be read again. */
  void rollBack() {
    // buffers of runs under way are the model's until they end
    flights.forEach(flight -> modelThread.await(flight.future()));
    Map<TopicPartition, OffsetAndMetadata> committed =
        lanes.isEmpty() ? Map.of() : committed(Set.copyOf(lanes.keySet()));
    Commit tried = inDoubt;
    inDoubt = null;
    if (tried != null && !tried.flight().batch().lane().isLost()) {
      settle(tried, committed);
    }
    flights.forEach(this::discard);
    flights.clear();
    due.clear();
    for (Lane lane : lanes()) {
      rollBack(lane, committed);
    }
  }

  /** A commit whose end was not heard of may have gone through. */
  private void settle(Commit tried, Map<TopicPartition, OffsetAndMetadata> committed) {
    Lane lane = tried.flight().batch().lane();
    if (pointer(of(lane, committed)).sequence() == tried.sequence()) {
      apply(tried);
      flights.remove(tried.flight());
    }
  }

  private static Map<TopicPartition, OffsetAndMetadata> of(
      Lane lane, Map<TopicPartition, OffsetAndMetadata> committed) {
    Map<TopicPartition, OffsetAndMetadata> ours = new HashMap<>(committed);
    ours.keySet().retainAll(lane.partitions());
    return ours;
  }

  private void rollBack(Lane lane, Map<TopicPartition, OffsetAndMetadata> committed) {
    // a guard has seen batches that come again: it would count them twice
    modelThread.execute(() -> runner.forget(lane));
    Map<TopicPartition, OffsetAndMetadata> ours = of(lane, committed);
    lane.streams().values().forEach(Pipeline::unpin);
    lane.rewind(batch -> false);
    if (lane.lessons() != null && shared.labels() != null) {
      shared.labels().seek(lane.lessons());
    }
    if (pointer(ours).sequence() != lane.sequence()) {
      // somebody else went on with it meanwhile
      arrivals.add(lane);
    }
    for (TopicPartition partition : lane.partitions()) {
      OffsetAndMetadata offset = ours.get(partition);
      if (offset != null) {
        consumer.seek(partition, offset.offset());
      } else {
        lane.firstSeen(partition).ifPresent(first -> consumer.seek(partition, first));
      }
    }
  }

  private static void unpin(StreamState state) {
    while (state.isPinned()) {
      state.unpin();
    }
  }

  /** Runs what is in hand, where the log ends also what would have waited for more, and commits. */
  int finish() {
    for (Lane lane : lanes()) {
      if (!arrivals.contains(lane) && lane.isAtEnd(this::isAtEnd)) {
        lane.closeAll(this::enqueue);
      }
    }
    return drain();
  }

  /**
   * Commits what is in hand and goes back to that commit. Batches that wait for more records are
   * not closed early: whoever goes on reads them again and finds the batches of an undisturbed run.
   */
  void handOver() {
    var unused = drain();
    rollBack();
  }

  private int drain() {
    int finished = due.size() + flights.size();
    while (!due.isEmpty() || !flights.isEmpty()) {
      obey();
      launch();
      modelThread.await(Objects.requireNonNull(flights.peek()).future());
      commitDone();
    }
    lanes().stream().filter(lane -> !arrivals.contains(lane)).forEach(this::checkpoint);
    return finished;
  }

  /**
   * Commits what the journal does not hold yet, so that the next owner need not run it again and
   * another variant can come back to it: snapshots that are behind a checkpoint only are not found
   * from there.
   */
  private void checkpoint(Lane lane) {
    if (journal != null && lane.sequence() > 0) {
      commitCheckpoint(lane, journal);
    }
  }

  private void commitCheckpoint(Lane lane, StateJournal into) {
    standSomewhere(lane);
    JournalWriter writer = into.writer(lane);
    Step none = new Step(lane.sequence(), null, model.initialState(), -1);
    outbox.begin();
    Map<StreamState, Future<RecordMetadata>> snapshots =
        sendSnapshots(writer, lane.streams().values(), none);
    long checkpoint = sendCheckpoint(writer, lane, none, snapshots);
    outbox.commit(
        lane.offsetsBehind(null, pointer(lane, lane.sequence(), checkpoint)),
        consumer.groupMetadata());
    snapshots.forEach((s, sent) -> s.snapshotAt(TransactionalOutbox.offset(sent)));
    lane.checkpointAt(checkpoint);
  }

  private void standSomewhere(Lane lane) {
    for (TopicPartition partition : lane.partitions()) {
      lane.standsAt(partition, consumer.position(partition, CONSUMER_TIMEOUT));
    }
  }

  void close() {
    release();
    if (reader != null) {
      reader.close();
    }
    if (controls != null) {
      controls.close();
    }
    if (shared.labels() != null) {
      shared.labels().close();
    }
  }

  private void leaveLabels(Lane lane) {
    if (lane.lessons() != null && shared.labels() != null) {
      shared.labels().leave(lane.lessons());
      if (flights.stream().noneMatch(f -> f.batch().lane() == lane && !f.isDone())) {
        lane.lessons().close();
      }
    }
  }

  /** Lets go of all but the clients. */
  void release() {
    for (Flight flight : flights) {
      modelThread.await(flight.future());
    }
    for (Lane lane : lanes()) {
      lane.rewind(batch -> false);
      forgetStates(lane);
      leaveLabels(lane);
    }
    lanes.clear();
    states.close();
    batches.close();
    modelThread.call(
        () -> {
          runner.close();
          return null;
        });
  }

  /**
   * Keeps the lanes in step with the group. Called inside poll and close, where no transaction is
   * open: a batch in hand has not been sent, so dropping it leaves it to the partition's next
   * owner.
   */
  private final class Rebalances implements ConsumerRebalanceListener {

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      if (config.states().scope() == Scope.MODEL) {
        if (!partitions.isEmpty()) {
          onPartitionsRevoked(List.copyOf(lanes.keySet()));
          open(
              config.topics().in(),
              partitions.stream()
                  .sorted(java.util.Comparator.comparingInt(TopicPartition::partition))
                  .toList());
        }
      } else {
        for (TopicPartition partition : partitions) {
          onPartitionsRevoked(List.of(partition));
          open(partition.toString(), List.of(partition));
        }
      }
      tellFeedback();
    }

    private void tellFeedback() {
      if (feedback != null) {
        feedback.owned(lanes.keySet().stream().map(TopicPartition::partition).toList());
      }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      for (TopicPartition partition : partitions) {
        Lane lane = lanes.remove(partition);
        if (lane != null && !lane.isLost()) {
          lane.lose();
          if (controls != null) {
            controls.leave(lane);
          }
          leaveLabels(lane);
          modelThread.execute(() -> runner.forget(lane));
          arrivals.remove(lane);
          due.removeIf(batch -> batch.lane() == lane);
          Set<MicroBatch> flying = new LinkedHashSet<>();
          flights.forEach(flight -> flying.add(flight.batch()));
          lane.rewind(flying::contains);
          for (StreamState state : lane.streams().values()) {
            memory.left(state);
            if (!state.isPinned()) {
              states.give(state.park());
            }
          }
        }
      }
      tellFeedback();
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      onPartitionsRevoked(partitions);
    }
  }
}
