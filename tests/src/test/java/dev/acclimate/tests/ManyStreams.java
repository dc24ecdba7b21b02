package dev.acclimate.tests;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Many streams through one agent, each with a state of its own: a batch a stream, and another one
 * when all the others have had theirs and most states wait in the journal. What must come out is
 * told by the model itself, run stream by stream without Kafka.
 */
final class ManyStreams {
  /** 64 channels of 16 components: a state takes 8 KiB. */
  private static final List<Integer> CHANNELS = List.of(32, 32);

  static final int BATCH = 2;

  private static final int WARM_UP = 50;

  private final EmbeddedBroker broker;
  private final Path folder;
  private final int streams;
  private final String memory;
  private final List<String> log = new ArrayList<>();
  private final Map<String, byte[]> answers = new HashMap<>();
  private int repeated;
  private long processBytes;

  /**
   * @param streams how many
   * @param memory for states, as the configuration has it
   */
  ManyStreams(EmbeddedBroker broker, Path folder, int streams, String memory) {
    this.broker = broker;
    this.folder = folder;
    this.streams = streams;
    this.memory = memory;
  }

  /**
   * What came out.
   *
   * @param answered requests answered
   * @param repeated answers beyond the first to the same request
   * @param wrong answers that differ in a bit from the model's own
   * @param known streams that the agent had a state for, at the end
   * @param resident those whose state was in memory
   * @param processBytes the most memory that the process had in use, native memory included
   * @param log memory and times, for people
   */
  record Result(
      int answered,
      int repeated,
      int wrong,
      int known,
      int resident,
      long processBytes,
      List<String> log) {}

  /** Sends every stream {@code visits} batches. */
  Result run(int visits) throws IOException, InterruptedException {
    Path file = folder.resolve("small.onnx");
    Files.write(file, SiteChain.of(CHANNELS));
    OnnxModel model = OnnxModel.read(file);
    TensorInfo input = model.inputs().get(0);
    try (Exchange exchange = new Exchange(broker, "streams-" + streams, input);
        WatchedAgent agent = WatchedAgent.start(folder, config(exchange, file))) {
      round(exchange, input, "warm", WARM_UP, 0);
      note(agent, "warmed up with " + WARM_UP + " streams", 0);
      for (int visit = 0; visit < visits; visit++) {
        long start = System.nanoTime();
        round(exchange, input, "s", streams, visit);
        note(agent, "visit " + (visit + 1), (System.nanoTime() - start) / 1e9);
      }
      return new Result(
          answers.size(),
          repeated,
          wrong(model, input, visits),
          (int) agent.metric("acclimate_streams"),
          (int) agent.metric("acclimate_states_resident"),
          processBytes,
          log);
    }
  }

  private String config(Exchange exchange, Path model) {
    return exchange.config(
        model,
        true,
        "scope: stream\nstates: {memory: " + memory + "}\nbatch: {max: " + BATCH + ", delay: 60s}");
  }

  private void round(Exchange exchange, TensorInfo input, String prefix, int count, int visit) {
    for (int stream = 0; stream < count; stream++) {
      SplittableRandom random = seed(stream, visit);
      for (int i = 0; i < BATCH; i++) {
        exchange.send(
            prefix + stream,
            prefix + stream + "/" + visit + "/" + i,
            gaussians(random, input.elementsPerSample()));
      }
    }
    exchange.flush();
    exchange.receive(count * BATCH, this::take);
  }

  private static SplittableRandom seed(int stream, int visit) {
    return new SplittableRandom(1_000L * stream + visit);
  }

  static float[] gaussians(SplittableRandom random, long count) {
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private void take(ConsumerRecord<byte[], byte[]> response) {
    int header =
        Integer.parseInt(
            new String(
                response.headers().lastHeader("inference-header-content-length").value(),
                StandardCharsets.UTF_8));
    String json = new String(response.value(), 0, header, StandardCharsets.UTF_8);
    String id = json.replaceFirst(".*\"id\":\"([^\"]*)\".*", "$1");
    byte[] values = Arrays.copyOfRange(response.value(), header, response.value().length);
    if (!id.startsWith("warm") && answers.put(id, values) != null) {
      repeated++;
    }
  }

  private void note(WatchedAgent agent, String what, double seconds)
      throws IOException, InterruptedException {
    agent.collectGarbage();
    processBytes = Math.max(processBytes, agent.residentBytes());
    log.add(
        String.format(
            "%-26s %6.1f s; streams %,6.0f, resident %,6.0f; heap %5.1f MB, direct %5.1f MB,"
                + " process %4.0f MB; model %.2f ms, commit %.2f ms, journal %,.0f kB",
            what,
            seconds,
            agent.metric("acclimate_streams"),
            agent.metric("acclimate_states_resident"),
            agent.metric("jvm_memory_used_bytes", "area=\"heap\"") / 1e6,
            agent.metric("jvm_buffer_memory_used_bytes", "id=\"direct\"") / 1e6,
            agent.residentBytes() / 1e6,
            1e3
                * agent.metric("acclimate_model_time_seconds_sum")
                / agent.metric("acclimate_model_time_seconds_count"),
            1e3
                * agent.metric("acclimate_commit_time_seconds_sum")
                / agent.metric("acclimate_commit_time_seconds_count"),
            agent.metric("acclimate_journal_bytes_total") / 1e3));
  }

  /** How many answers are not, bit for bit, what the model gives to the stream by itself. */
  private int wrong(OnnxModel model, TensorInfo input, int visits) {
    int wrong = 0;
    AdaptedModel adapted = AdaptedModel.adapt(model, Method.parse("unmix-tns"));
    SessionSettings settings = new SessionSettings(ExecutionProvider.parse("cpu"), 1, BATCH);
    try (AdaptationState initial = adapted.initialState(0, null);
        AdaptiveModel alone = AdaptiveModel.open(adapted, initial, settings)) {
      for (int stream = 0; stream < streams; stream++) {
        alone.restore(initial);
        for (int visit = 0; visit < visits; visit++) {
          wrong += wrong(alone, input, stream, visit);
        }
      }
    }
    return wrong;
  }

  private int wrong(AdaptiveModel alone, TensorInfo input, int stream, int visit) {
    int wrong = 0;
    SplittableRandom random = seed(stream, visit);
    long[] shape = {BATCH, CHANNELS.get(0), SiteChain.SIZE, SiteChain.SIZE};
    try (Tensor batch = Tensor.allocate(ElementType.FP32, shape)) {
      batch.floats().put(gaussians(random, BATCH * input.elementsPerSample()));
      Tensor output =
          Objects.requireNonNull(alone.run(Map.of(input.name(), batch)).outputs().get("output"));
      ByteBuffer expected = output.bytes();
      int size = expected.remaining() / BATCH;
      for (int i = 0; i < BATCH; i++) {
        byte[] own = new byte[size];
        expected.get(i * size, own);
        wrong += Arrays.equals(own, answers.get("s" + stream + "/" + visit + "/" + i)) ? 0 : 1;
      }
    }
    return wrong;
  }
}
