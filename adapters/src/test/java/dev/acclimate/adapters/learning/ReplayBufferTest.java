package dev.acclimate.adapters.learning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayBufferTest {
  private static final long EACH = ReplayBuffer.bytesPerSample(2);

  /** The 99.9th percentile of chi-square with 39 degrees of freedom. */
  private static final double RARE = 72.05;

  private static FloatBuffer sample(long number) {
    return FloatBuffer.wrap(new float[] {number, -number});
  }

  private static ReplayBuffer buffer(ReplayPolicy policy, int capacity, long seed) {
    return ReplayBuffer.within(capacity * EACH, new long[] {2}, policy, seed);
  }

  /** The numbers of the samples that it holds. */
  private static List<Integer> held(ReplayBuffer buffer) {
    LabelledBatch all = new LabelledBatch(buffer.capacity(), 2);
    int count = buffer.draw(buffer.capacity(), all, 0);
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      numbers.add((int) all.row(i).get(0));
    }
    return numbers;
  }

  private static Map<Long, Integer> counts(ReplayBuffer buffer) {
    Map<Long, Integer> counts = new HashMap<>();
    for (int i = 0; i < buffer.size(); i++) {
      counts.merge(buffer.label(i), 1, Integer::sum);
    }
    return counts;
  }

  @Test
  void reservoirKeepsEverySampleOfTheStreamAlikeOften() {
    assertThat(chiSquare(ReplayPolicy.RESERVOIR, 10, 40)).isLessThan(RARE);
  }

  /** One class of its own, so that all of the stream competes for the same places. */
  @Test
  void classBalancedKeepsEverySampleOfAClassAlikeOften() {
    assertThat(chiSquare(ReplayPolicy.CLASS_BALANCED, 10, 40)).isLessThan(RARE);
  }

  /** How far from uniform it is how often each of the stream's samples is held. */
  private static double chiSquare(ReplayPolicy policy, int capacity, int length) {
    int seeds = 4_000;
    int[] kept = new int[length];
    for (int seed = 0; seed < seeds; seed++) {
      ReplayBuffer buffer = buffer(policy, capacity, seed);
      for (int i = 0; i < length; i++) {
        buffer.offer(sample(i), 3, 0);
      }
      held(buffer).forEach(i -> kept[i]++);
    }
    double expected = seeds * (double) capacity / length;
    // of n * p draws without replacement the variance is smaller by the share that stays away
    return Arrays.stream(kept)
            .mapToDouble(count -> (count - expected) * (count - expected) / expected)
            .map(term -> term / (1 - (double) capacity / length))
            .sum()
        * (length - 1)
        / length;
  }

  @Property(tries = 200)
  void classesAreBalancedWithinOneAndRareOnesAreKeptWhole(
      @ForAll @Size(max = 300) List<@LongRange(min = 0, max = 6) Long> labels,
      @ForAll @IntRange(min = 1, max = 40) int capacity,
      @ForAll long seed) {
    ReplayBuffer buffer = buffer(ReplayPolicy.CLASS_BALANCED, capacity, seed);
    Map<Long, Integer> seen = new HashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      buffer.offer(sample(i), labels.get(i), 0);
      seen.merge(labels.get(i), 1, Integer::sum);
    }

    Map<Long, Integer> counts = counts(buffer);
    int most = counts.values().stream().mapToInt(i -> i).max().orElse(0);
    assertThat(buffer.size()).isEqualTo(Math.min(capacity, labels.size()));
    seen.forEach(
        (label, times) ->
            assertThat(counts.getOrDefault(label, 0))
                .as("class %s, seen %s times, of %s", label, times, counts)
                .isGreaterThanOrEqualTo(Math.min(times, most - 1)));
  }

  @Property(tries = 200)
  void budgetIsNeverExceededAndSamplesKeepTheirLabels(
      @ForAll ReplayPolicy policy,
      @ForAll @LongRange(min = 24, max = 2_000) long budget,
      @ForAll @IntRange(max = 200) int length,
      @ForAll long seed) {
    ReplayBuffer buffer = ReplayBuffer.within(budget, new long[] {2}, policy, seed);
    for (int i = 0; i < length; i++) {
      buffer.offer(sample(i), i % 7, i % 3);
    }

    assertThat(buffer.bytes()).isBetween(budget - EACH + 1, budget);
    assertThat(buffer.size()).isEqualTo(Math.min(length, buffer.capacity()));
    LabelledBatch batch = new LabelledBatch(buffer.capacity(), 2);
    int drawn = buffer.draw(buffer.capacity(), batch, 0);
    assertThat(drawn).isEqualTo(buffer.size());
    for (int row = 0; row < drawn; row++) {
      int number = (int) batch.row(row).get(0);
      assertThat(batch.row(row).get(1)).isEqualTo(-number);
      assertThat(batch.label(row)).isEqualTo(number % 7);
      assertThat(batch.task(row)).isEqualTo(number % 3);
    }
    assertThat(held(buffer)).doesNotHaveDuplicates();
  }

  /** Saved in the middle of a stream and read again, it goes on bit for bit. */
  @Property(tries = 60)
  void readAgainItGoesOnAsIfNothingHadHappened(
      @ForAll ReplayPolicy policy,
      @ForAll @IntRange(max = 120) int before,
      @ForAll @IntRange(max = 120) int after,
      @ForAll @IntRange(min = 1, max = 30) int capacity,
      @ForAll long seed)
      throws IOException {
    ReplayBuffer straight = buffer(policy, capacity, seed);
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < before; i++) {
      straight.offer(sample(i), random.nextInt(5), random.nextInt(3));
    }
    held(straight);
    Path file = Files.createTempFile("replay", ".safetensors");
    straight.write(file);
    ReplayBuffer read = ReplayBuffer.read(file, 2);
    Files.delete(file);
    for (int i = before; i < before + after; i++) {
      int label = random.nextInt(5);
      assertThat(read.offer(sample(i), label, i)).isEqualTo(straight.offer(sample(i), label, i));
    }

    assertThat(read.size()).isEqualTo(straight.size());
    assertThat(read.capacity()).isEqualTo(straight.capacity());
    assertThat(held(read)).isEqualTo(held(straight));
  }

  @Test
  void whatIsNoBufferOrOneOfOtherSamplesIsRefused(@TempDir Path folder) {
    Path file = folder.resolve("buffer.safetensors");
    buffer(ReplayPolicy.RESERVOIR, 4, 0).write(file);

    assertThatThrownBy(() -> ReplayBuffer.read(file, 3))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected samples of shape [3], found [2]");
    assertThatThrownBy(() -> ReplayBuffer.within(23, new long[] {2}, ReplayPolicy.RESERVOIR, 0))
        .hasMessage(
            "replay buffer: expected room for a sample, 24 bytes, found a budget of 23 bytes");
    assertThatThrownBy(() -> ReplayPolicy.parse("fifo"))
        .hasMessage("replay policy: expected one of [reservoir, class-balanced], found 'fifo'");
  }
}
