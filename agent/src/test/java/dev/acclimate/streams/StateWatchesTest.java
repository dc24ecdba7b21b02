package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.FrozenAnswer;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Guards over many states, within a bound of memory. */
class StateWatchesTest {
  private static final int SAMPLES = 4;
  private static final StreamConfig CONFIG =
      StreamConfig.of("nowhere:9092", "g", new StreamConfig.Topics("in", "out", "dead"))
          .withBatch(SAMPLES, Duration.ofMillis(50));

  private static final ConsumerRecord<byte[], byte[]> FIRST =
      new ConsumerRecord<>("in", 0, 0, null, null);

  private final AdaptiveModel adaptive = open();
  private final Tensor batch = noise();
  private final Map<String, Tensor> inputs = Map.of(adaptive.samplesInput(), batch);
  private final InputBatchPool pool = new InputBatchPool(adaptive.inputs(), SAMPLES);
  private final Lane lane =
      new Lane(
          "in-0",
          List.of(new TopicPartition("in", 0)),
          CONFIG,
          new RequestDecoder(adaptive.inputs(), adaptive.outputs(), 1 << 20),
          pool);

  private static AdaptiveModel open() {
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse("ema"));
    return AdaptiveModel.open(
        adapted, adapted.initialState(0, null), new SessionSettings(ExecutionProvider.CPU, 1));
  }

  private static Tensor noise() {
    SplittableRandom random = new SplittableRandom(1);
    Tensor batch = Tensor.allocate(ElementType.FP32, SAMPLES, 3, 32, 32);
    FloatBuffer values = batch.floats();
    while (values.hasRemaining()) {
      values.put((float) random.nextGaussian());
    }
    return batch;
  }

  @AfterEach
  void close() {
    adaptive.close();
    batch.close();
  }

  /** Runs a batch of a stream from its start; whether adapted answers may go out. */
  private boolean judge(StateWatches watches, BatchModel model, String stream) {
    BatchModel.State after = model.newState();
    BatchModel.Result result = model.run(inputs, model.initialState(), after);
    boolean trusted =
        watches
            .judge(
                new MicroBatch(lane, stream, pool.take(), FIRST, 0, 0),
                inputs,
                result,
                new FrozenAnswer(() -> model.runFrozen(inputs)),
                model.initialState(),
                after)
            .ruling()
            .mayGoOut();
    after.close();
    return trusted;
  }

  private BatchModel guarded(long bytes) {
    GuardPolicy usual = GuardPolicy.DEFAULT;
    return BatchModel.of(
        adaptive,
        Mode.ACTIVE,
        new GuardPolicy(
            usual.action(),
            usual.checkEvery(),
            usual.window(),
            // whatever the answers, they are trusted
            -1,
            -1,
            0,
            usual.evidence(),
            usual.snapshots(),
            bytes));
  }

  @Test
  void keepsWhatItHasRoomFor() {
    BatchModel model = guarded(64L << 20);
    StateWatches watches = new StateWatches(model);
    for (int i = 0; i < 20; i++) {
      judge(watches, model, "stream-" + i % 2);
    }

    assertThat(watches.guards()).isEqualTo(2);
    // of each stream: what proved good and what did not yet
    assertThat(watches.sizeInBytes()).isGreaterThan(4 * model.initialState().sizeInBytes());
    watches.forget(lane, "stream-0");
    assertThat(watches.guards()).isEqualTo(1);
    watches.forget(lane);
    assertThat(watches.guards()).isZero();
    assertThat(watches.sizeInBytes()).isZero();
  }

  @Test
  void goodStatesOfTheLeastRecentlyUsedLeaveFirst() {
    long state = guarded(0).initialState().sizeInBytes();
    long room = 3 * state + 64 * 1024;
    BatchModel model = guarded(room);
    StateWatches watches = new StateWatches(model);
    for (int stream = 0; stream < 8; stream++) {
      for (int i = 0; i < 8; i++) {
        judge(watches, model, "stream-" + stream);
        assertThat(watches.sizeInBytes()).isLessThanOrEqualTo(room);
      }
    }

    assertThat(watches.guards()).isEqualTo(8);
  }

  @Test
  void guardsOfTheLeastRecentlyUsedStartAnew() {
    long room = 16 * 1024;
    BatchModel model = guarded(room);
    StateWatches watches = new StateWatches(model);
    for (int stream = 0; stream < 50; stream++) {
      judge(watches, model, "stream-" + stream);
    }

    assertThat(watches.sizeInBytes()).isLessThanOrEqualTo(room);
    assertThat(watches.guards()).isBetween(2, 49);
    watches.close();
    assertThat(watches.sizeInBytes()).isZero();
  }
}
