package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.simulate.arrivals.ArrivalTimes;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.streams.StreamReplay.LabelledSample;
import dev.acclimate.streams.StreamReplay.Sent;
import dev.acclimate.streams.StreamReplay.Timetable;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StreamReplayTest {
  private final StreamFixture fixture = new StreamFixture(1);

  @AfterEach
  void close() {
    fixture.close();
  }

  private static Iterator<LabelledSample> samples(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new LabelledSample("camera", new float[] {i, 0}, 0, "none"))
        .iterator();
  }

  private Sent send(Iterator<LabelledSample> samples, Timetable timetable) {
    RequestEncoder encoder = new RequestEncoder(FoldingModel.INPUT, RequestEncoder.Form.JSON);
    try (StreamReplay replay = StreamReplay.open(fixture.config, encoder)) {
      return replay.send(samples, timetable, sent -> {});
    }
  }

  private static LongSupplier poisson(int count) {
    return new ArrivalTimes(
        List.of(new ArrivalTimes.Stretch(count, 0, null)), new Arrivals.Poisson(50), 3);
  }

  private static long length(int count) {
    return LongStream.generate(poisson(count)).limit(count).max().orElseThrow();
  }

  @Test
  void anAcceleratedReplayTakesTheTimeItShouldAndSendsAll() {
    int count = 500;
    double speed = 10;
    double expected = length(count) / 1e9 / speed;
    assertThat(expected).isCloseTo(1, within(0.2));

    long start = System.nanoTime();
    Sent sent = send(samples(count), new Timetable(poisson(count), length(count), speed));
    double seconds = (System.nanoTime() - start) / 1e9;

    assertThat(sent.samples()).isEqualTo(count);
    // opening the producer and a busy machine may add to it, nothing may take from it
    assertThat(seconds).isBetween(expected, expected + 5);
    assertThat(fixture.in().await(count)).hasSize(count);
  }

  @Test
  void recordsOfAnAcceleratedReplayCarryTheTimesOfWhatIsReplayed() {
    int count = 200;
    long before = System.currentTimeMillis();

    send(samples(count), new Timetable(poisson(count), length(count), 40));

    List<Long> timestamps =
        fixture.in().await(count).stream().map(ConsumerRecord::timestamp).toList();
    long[] expected = LongStream.generate(poisson(count)).limit(count).toArray();
    for (int i = 1; i < count; i++) {
      assertThat(timestamps.get(i) - timestamps.get(0))
          .isCloseTo((expected[i] - expected[0]) / 1_000_000, within(1L));
    }
    // 4 seconds of arrivals, sent in a tenth of one: the last is stamped with when it was due
    assertThat(timestamps.get(count - 1)).isBetween(before, System.currentTimeMillis());
  }

  @Test
  void anAcceleratedReplayMakesTheBatchesOfARealOne() {
    // bursts of three, a second apart; a batch waits for 500 ms
    int count = 30;
    LongSupplier[] times = new LongSupplier[2];
    for (int i = 0; i < 2; i++) {
      int[] next = {0};
      times[i] = () -> next[0]++ / 3 * 1_000_000_000L;
    }
    send(samples(count), new Timetable(times[0], 9_000_000_000L, 1000));
    fixture.start(fixture.config.withBatch(64, Duration.ofMillis(500)), new FoldingModel());

    Map<Float, Long> sizes =
        fixture.out().await(count).stream()
            .map(record -> StreamFixture.answer(record).get(2))
            .collect(Collectors.groupingBy(size -> size, Collectors.counting()));

    assertThat(sizes).isEqualTo(Map.of(3f, 30L));
  }

  @Test
  void saysByHowMuchItFellBehind() {
    Iterator<LabelledSample> samples = samples(4);
    Iterator<LabelledSample> slow =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return samples.hasNext();
          }

          @Override
          public LabelledSample next() {
            pause(300);
            return samples.next();
          }
        };

    // four samples that take 1200 ms to make arrive within 4 ms
    Sent sent = send(slow, new Timetable(every(1), 4_000_000, 1));

    assertThat(sent.samples()).isEqualTo(4);
    assertThat(sent.behind().toMillis()).isBetween(1100L, 5000L);
  }

  private static LongSupplier every(int millis) {
    int[] next = {0};
    return () -> ++next[0] * millis * 1_000_000L;
  }

  private static void pause(int millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anInterruptEndsAWait() throws Exception {
    RequestEncoder encoder = new RequestEncoder(FoldingModel.INPUT, RequestEncoder.Form.JSON);
    CompletableFuture<Sent> sent = new CompletableFuture<>();
    try (StreamReplay replay = StreamReplay.open(fixture.config, encoder)) {
      Timetable hourly = new Timetable(every(3_600_000), 36_000_000_000_000L, 1);
      Thread sender =
          new Thread(() -> sent.complete(replay.send(samples(10), hourly, count -> {})));
      sender.start();
      sender.interrupt();

      assertThat(sent.get(10, TimeUnit.SECONDS).samples()).isZero();
    }
  }
}
