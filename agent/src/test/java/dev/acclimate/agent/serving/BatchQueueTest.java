package dev.acclimate.agent.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.adapters.serving.BatchShare;
import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestDecoder;
import dev.acclimate.streams.RequestTensors;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BatchQueueTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final Semaphore runs = new Semaphore(0);
  private final List<List<String>> streams = Collections.synchronizedList(new ArrayList<>());

  /** Doubles its input; fails at a negative one. */
  private final class Doubling implements InferenceModel {
    private final Dimension batch;

    Doubling(Dimension batch) {
      this.batch = batch;
    }

    @Override
    public String name() {
      return "doubling";
    }

    @Override
    public String version() {
      return "1";
    }

    @Override
    public List<TensorInfo> inputs() {
      return List.of(
          new TensorInfo("x", ElementType.FP32, List.of(batch, Dimension.symbolic("width"))));
    }

    @Override
    public List<TensorInfo> outputs() {
      return List.of(
          new TensorInfo("y", ElementType.FP32, List.of(batch, Dimension.symbolic("width"))));
    }

    @Override
    public Map<String, Tensor> run(Map<String, Tensor> inputs, List<BatchShare> shares) {
      runs.acquireUninterruptibly();
      streams.add(
          shares.stream()
              .flatMap(share -> Collections.nCopies(share.samples(), share.stream()).stream())
              .toList());
      Tensor x = inputs.get("x");
      float[] values = x.toFloatArray();
      for (int i = 0; i < values.length; i++) {
        if (values[i] < 0) {
          throw new IllegalStateException("negative");
        }
        values[i] *= 2;
      }
      return Map.of("y", Tensor.of(values, x.shape()));
    }

    @Override
    public void close() {}
  }

  private static PendingRequest request(InferenceModel model, String stream, float... rows)
      throws Exception {
    return shaped(model, stream, rows.length, 1, rows);
  }

  private static PendingRequest shaped(
      InferenceModel model, String stream, int samples, int width, float... values)
      throws Exception {
    byte[] json =
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[%d,%d],\"data\":%s}]}"
            .formatted(samples, width, java.util.Arrays.toString(values))
            .getBytes(StandardCharsets.UTF_8);
    RequestTensors tensors = new RequestTensors(model.inputs(), json.length, bytes -> {});
    InferenceRequest request =
        new RequestDecoder(model.inputs(), model.outputs(), 4096).decode(json, null, tensors);
    return new PendingRequest(request, tensors, stream);
  }

  private static float[] answer(PendingRequest request) throws Exception {
    List<OutputSlice> slices = request.answer().get(10, TimeUnit.SECONDS);
    float[] values = new float[slices.get(0).bytes().limit() / 4];
    slices.get(0).bytes().asFloatBuffer().get(values);
    return values;
  }

  @Test
  void requestsThatWaitShareARunAndGetTheirOwnAnswers() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    try (BatchQueue queue = new BatchQueue(model, 4, LONG)) {
      PendingRequest one = request(model, "a", 1);
      PendingRequest two = request(model, "b", 2, 3);
      PendingRequest three = request(model, "c", 4);
      queue.submit(one);
      queue.submit(two);
      queue.submit(three); // four samples: full
      runs.release();

      assertThat(answer(one)).containsExactly(2);
      assertThat(answer(two)).containsExactly(4, 6);
      assertThat(answer(three)).containsExactly(8);
      assertThat(streams).containsExactly(List.of("a", "b", "b", "c"));
    }
  }

  @Test
  void aRunStartsWhenItsFirstRequestHasWaitedLongEnough() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    try (BatchQueue queue = new BatchQueue(model, 4, Duration.ofMillis(20))) {
      PendingRequest one = request(model, "a", 1);
      queue.submit(one);
      runs.release();

      assertThat(answer(one)).containsExactly(2);
    }
  }

  @Test
  void samplesOfOtherSizesDoNotShareARun() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    try (BatchQueue queue = new BatchQueue(model, 4, LONG)) {
      PendingRequest narrow = shaped(model, "a", 1, 1, 1);
      PendingRequest wide = shaped(model, "b", 1, 2, 1, 2);
      queue.submit(narrow);
      queue.submit(wide);
      runs.release(2);

      assertThat(answer(narrow)).containsExactly(2);
      queue.close();
      assertThat(answer(wide)).containsExactly(2, 4);
      assertThat(streams).containsExactly(List.of("a"), List.of("b"));
    }
  }

  @Test
  void aRequestThatTheModelFailsAtDoesNotHurtTheOthers() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    try (BatchQueue queue = new BatchQueue(model, 2, LONG)) {
      PendingRequest bad = request(model, "a", -1);
      PendingRequest good = request(model, "b", 1);
      queue.submit(bad);
      queue.submit(good);
      runs.release(3);

      assertThat(answer(good)).containsExactly(2);
      assertThatThrownBy(() -> answer(bad))
          .isInstanceOf(ExecutionException.class)
          .hasRootCauseMessage("negative");
    }
  }

  @Test
  void whatNobodyWaitsForIsNotRun() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    try (BatchQueue queue = new BatchQueue(model, 1, LONG)) {
      PendingRequest running = request(model, "running", 1);
      PendingRequest abandoned = request(model, "abandoned", 2);
      PendingRequest waiting = request(model, "waiting", 3);
      queue.submit(running);
      queue.submit(abandoned);
      queue.submit(waiting);
      abandoned.answer().cancel(false);
      runs.release(3);

      assertThat(answer(running)).containsExactly(2);
      assertThat(answer(waiting)).containsExactly(6);
      assertThat(streams).containsExactly(List.of("running"), List.of("waiting"));
    }
  }

  @Test
  void aModelOfAFixedBatchAnswersEachRequestAlone() throws Exception {
    InferenceModel model = new Doubling(Dimension.fixed(2));
    try (BatchQueue queue = new BatchQueue(model, 1, LONG)) {
      PendingRequest one = request(model, "a", 1, 2);
      PendingRequest two = request(model, "b", 3, 4);
      queue.submit(one);
      queue.submit(two);
      runs.release(2);

      assertThat(answer(one)).containsExactly(2, 4);
      assertThat(answer(two)).containsExactly(6, 8);
      assertThat(streams).containsExactly(List.of("a", "a"), List.of("b", "b"));
    }
  }

  @Test
  void whatWaitsIsAnsweredBeforeTheQueueCloses() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    PendingRequest one = request(model, "a", 1);
    try (BatchQueue queue = new BatchQueue(model, 4, LONG)) {
      queue.submit(one);
      runs.release();
    }

    assertThat(answer(one)).containsExactly(2);
  }

  @Test
  void aClosedQueueTakesNothing() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    BatchQueue queue = new BatchQueue(model, 4, LONG);
    queue.close();

    assertThatThrownBy(() -> queue.submit(request(model, "a", 1)))
        .isInstanceOf(ServingException.class)
        .hasMessageContaining("is being unloaded");
  }

  @Test
  void whatAnotherServerHasAnsweredWaitsUntilNobodyElseDoes() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    try (BatchQueue queue = new BatchQueue(model, 4, Duration.ZERO)) {
      PendingRequest first = request(model, "first", 1);
      queue.submit(first);
      while (runs.getQueueLength() == 0) {
        Thread.onSpinWait(); // until it runs
      }
      PendingRequest beside = beside(model, "beside", 2);
      PendingRequest besideToo = beside(model, "beside too", 3);
      PendingRequest answered = request(model, "answered", 4);
      queue.submit(beside);
      queue.submit(besideToo);
      queue.submit(answered);
      assertThat(queue.waiting()).as("for their answer").isEqualTo(1);
      runs.release(3);

      assertThat(answer(besideToo)).containsExactly(6);
      assertThat(answer(beside)).containsExactly(4);
      assertThat(answer(answered)).containsExactly(8);
      assertThat(streams)
          .containsExactly(List.of("first"), List.of("answered"), List.of("beside", "beside too"));
    }
  }

  private static PendingRequest beside(InferenceModel model, String stream, float value)
      throws Exception {
    PendingRequest request = request(model, stream, value);
    RequestTensors tensors = new RequestTensors(model.inputs(), 64, bytes -> {});
    int input = tensors.add("x", "FP32", 1, 1);
    tensors.at(input).floats().put(value);
    return new PendingRequest(
        request.request(), tensors, stream, Map.of("y", Tensor.of(new float[] {0}, 1, 1)));
  }

  @Test
  void whatAnotherServerHasAnsweredIsGivenUpWhenTheQueueCloses() throws Exception {
    InferenceModel model = new Doubling(Dimension.symbolic("batch"));
    PendingRequest beside = beside(model, "beside", 2);
    try (BatchQueue queue = new BatchQueue(model, 4, LONG)) {
      queue.submit(beside);
    }

    assertThatThrownBy(() -> beside.answer().join()).hasRootCauseInstanceOf(ServingException.class);
  }
}
