package dev.acclimate.streams.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabelJoinTest {
  private static final int CLASSES = 10;
  private static final Duration WINDOW = Duration.ofMinutes(1);

  private final Metrics metrics = new Metrics();
  private final AtomicLong now = new AtomicLong(-5_000_000_000L); // nanoTime may be negative
  private final LabelJoin join = joinOf(1000);

  private LabelJoin joinOf(int capacity) {
    return new LabelJoin(
        new FeedbackConfig(WINDOW, capacity, 0), CLASSES, metrics.meters, now::get);
  }

  private static int[] classes(int... classes) {
    return classes;
  }

  private static long[] labels(long... labels) {
    return labels;
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  private void assertCounts(int joined, int late, int unlabelled, int duplicate, int invalid) {
    assertThat(
            List.of(
                metrics.count("acclimate.labels.joined"),
                metrics.count("acclimate.labels.late"),
                metrics.count("acclimate.answers.unlabelled"),
                metrics.count("acclimate.labels.duplicate"),
                metrics.count("acclimate.labels.invalid")))
        .as("joined, late, unlabelled, duplicate, invalid")
        .containsExactly(joined, late, unlabelled, duplicate, invalid);
  }

  @Test
  void joinsALabelThatComesAfterItsAnswer() {
    join.answered("s", "1", classes(3), null);
    join.labelled("s", "1", labels(3));

    assertCounts(1, 0, 0, 0, 0);
    assertThat(metrics.count("acclimate.labels.correct", "answer", "adapted")).isEqualTo(1);
    assertThat(metrics.overall()).isEqualTo(1);
  }

  @Test
  void joinsALabelThatComesBeforeItsAnswer() {
    join.labelled("s", "1", labels(4));
    join.answered("s", "1", classes(3), null);

    assertCounts(1, 0, 0, 0, 0);
    assertThat(metrics.count("acclimate.labels.correct", "answer", "adapted")).isZero();
    assertThat(metrics.overall()).isZero();
  }

  @Test
  void tellsStreamsWithTheSameRequestIdsApart() {
    join.answered("a", "1", classes(3), null);
    join.answered("b", "1", classes(4), null);
    join.labelled("b", "1", labels(4));
    join.labelled("a", "1", labels(3));

    assertThat(metrics.count("acclimate.labels.correct")).isEqualTo(2);
    assertCounts(2, 0, 0, 0, 0);
  }

  @Test
  void comparesAdaptedAndFrozenAnswersOverTheSameSamples() {
    assertThat(metrics.accuracy("adapted")).isNaN();
    assertThat(metrics.accuracy("frozen")).isNaN();
    assertThat(metrics.overall()).isNaN();

    join.answered("s", "both", classes(1, 2, 3, 4), classes(1, 0, 3, 0));
    join.answered("s", "adapted only", classes(5, 5), null);
    join.labelled("s", "both", labels(1, 2, 3, 0));
    join.labelled("s", "adapted only", labels(0, 0));

    assertThat(metrics.accuracy("adapted")).isEqualTo(3 / 4.0);
    assertThat(metrics.accuracy("frozen")).isEqualTo(3 / 4.0);
    assertThat(metrics.overall()).isEqualTo(3 / 6.0);
    assertThat(metrics.count("acclimate.labels.joined", "shadowed", "true")).isEqualTo(4);
    assertThat(metrics.count("acclimate.labels.joined", "shadowed", "false")).isEqualTo(2);
    assertThat(metrics.count("acclimate.labels.correct", "answer", "frozen")).isEqualTo(3);
    assertThat(metrics.count("acclimate.labels.correct", "answer", "adapted")).isEqualTo(3);
  }

  @Test
  void gaugesLookBackOnTheLastSamplesOnly() {
    for (int i = 0; i < FeedbackMeters.RECENT + 250; i++) {
      join.answered("s", "" + i, classes(1), classes(2));
      join.labelled("s", "" + i, labels(i < 500 ? 1 : 2));
    }

    assertThat(metrics.accuracy("adapted")).isEqualTo(0.25);
    assertThat(metrics.accuracy("frozen")).isEqualTo(0.75);
    assertThat(metrics.overall()).isEqualTo(0.25);
  }

  @Test
  void countsWhatWaitedInVainOnceTheWindowHasPassed() {
    join.answered("s", "answer", classes(1, 1), null);
    join.labelled("s", "label", labels(1, 1, 1));
    pass(WINDOW);
    join.expire();
    assertCounts(0, 0, 0, 0, 0);

    pass(Duration.ofNanos(1));
    join.expire();
    assertCounts(0, 3, 2, 0, 0);

    join.labelled("s", "answer", labels(1, 1));
    join.answered("s", "label", classes(1, 1, 1), null);
    assertCounts(0, 3, 2, 0, 0);
    pass(WINDOW.plusNanos(1));
    join.expire();
    assertCounts(0, 5, 5, 0, 0);
  }

  @Test
  void doesNotCountAJoinedAnswerWhenItLeaves() {
    join.answered("s", "1", classes(1), null);
    join.labelled("s", "1", labels(1));
    pass(WINDOW.multipliedBy(2));
    join.expire();

    assertCounts(1, 0, 0, 0, 0);
  }

  @Test
  void theOldestLeaveWhenThereAreTooMany() {
    LabelJoin small = joinOf(4);
    small.answered("s", "1", classes(1, 1), null);
    small.answered("s", "2", classes(1, 1), null);
    small.answered("s", "3", classes(1), null);
    assertCounts(0, 0, 2, 0, 0);
    small.labelled("s", "2", labels(1, 1));
    small.labelled("s", "3", labels(1));
    assertCounts(3, 0, 2, 0, 0);

    for (int i = 0; i < 6; i++) {
      small.labelled("s", "early " + i, labels(1));
    }
    assertCounts(3, 2, 2, 0, 0);
    small.answered("s", "early 2", classes(1), null);
    assertCounts(4, 2, 2, 0, 0);
  }

  @Test
  void theFirstOfTwoLabelsCounts() {
    join.answered("s", "1", classes(1), null);
    join.labelled("s", "1", labels(1));
    join.labelled("s", "1", labels(2));
    join.labelled("s", "2", labels(1));
    join.labelled("s", "2", labels(2));
    join.answered("s", "2", classes(1), null);
    join.labelled("s", "2", labels(2));

    assertCounts(2, 0, 0, 3, 0);
    assertThat(metrics.count("acclimate.labels.correct")).isEqualTo(2);
  }

  @Test
  void anAnswerUnderAnEarlierIdStartsAnew() {
    join.answered("s", "1", classes(1), null);
    join.answered("s", "1", classes(2), null);
    assertCounts(0, 0, 1, 0, 0);
    join.labelled("s", "1", labels(2));
    join.answered("s", "1", classes(3), null);
    join.labelled("s", "1", labels(3));

    assertCounts(2, 0, 1, 0, 0);
    assertThat(metrics.count("acclimate.labels.correct")).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, CLASSES, Integer.MAX_VALUE + 1L, (1L << 32) + 1, Long.MIN_VALUE})
  void refusesLabelsThatAreNoClass(long label) {
    join.answered("s", "1", classes(1, 1), null);
    join.labelled("s", "1", labels(1, label));
    assertCounts(0, 0, 0, 0, 2);

    join.labelled("s", "1", labels(1, CLASSES - 1));
    assertCounts(2, 0, 0, 0, 2);
  }

  @Test
  void refusesLabelsOfAnotherNumberThanTheSamplesWhicheverComesFirst() {
    join.answered("s", "1", classes(1, 2), null);
    join.labelled("s", "1", labels(1));
    join.labelled("s", "2", labels(1, 2, 3));
    join.answered("s", "2", classes(1, 2), null);
    join.labelled("s", "3", labels());
    assertCounts(0, 0, 0, 0, 4);

    join.labelled("s", "1", labels(1, 2));
    join.labelled("s", "2", labels(1, 2));
    assertCounts(4, 0, 0, 0, 4);
  }

  @Test
  void countsRequestsThatCannotBeJoined() {
    String tooLong = "x".repeat(LabelJoin.MAX_KEY_CHARS);
    join.answered("s", null, classes(1, 1), null);
    join.answered("s", tooLong, classes(1), null);
    join.labelled("s", tooLong, labels(1));

    assertThat(metrics.count("acclimate.answers.unjoinable")).isEqualTo(3);
    assertCounts(0, 0, 0, 0, 1);
  }

  @Test
  void wantsFrozenAnswersForTheSameSamples() {
    assertThatThrownBy(() -> join.answered("s", "1", classes(1, 2), classes(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("2 adapted answers, 1 frozen ones");
  }

  @Test
  void metersLeaveTheRegistryWhenClosed() {
    assertThat(metrics.registry.getMeters()).isNotEmpty();

    metrics.meters.close();

    assertThat(metrics.registry.getMeters()).isEmpty();
  }

  /** An answer or a label on its way. */
  private record Event(int request, boolean isLabel) {}

  @Property
  void joinsEachPairOnceHoweverTheyInterleaveWithinTheWindow(
      @ForAll @IntRange(min = 1, max = 60) int requests,
      @ForAll @IntRange(min = 1, max = 4) int streams,
      @ForAll long seed) {
    Random random = new Random(seed);
    int[][] answers = new int[requests][];
    long[][] right = new long[requests][];
    int samples = 0;
    int correct = 0;
    List<Event> events = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      answers[i] = random.ints(1 + random.nextInt(3), 0, CLASSES).toArray();
      right[i] = random.longs(answers[i].length, 0, CLASSES).toArray();
      for (int k = 0; k < answers[i].length; k++) {
        samples++;
        correct += answers[i][k] == right[i][k] ? 1 : 0;
      }
      events.add(new Event(i, false));
      events.add(new Event(i, true));
    }
    Collections.shuffle(events, random);
    Metrics here = new Metrics();
    AtomicLong time = new AtomicLong(random.nextLong());
    LabelJoin fresh =
        new LabelJoin(new FeedbackConfig(WINDOW, samples, 0), CLASSES, here.meters, time::get);

    for (Event event : events) {
      time.addAndGet(WINDOW.toNanos() / events.size());
      String stream = "s" + event.request() % streams;
      String id = "" + event.request() / streams;
      if (event.isLabel()) {
        fresh.labelled(stream, id, right[event.request()]);
      } else {
        fresh.answered(stream, id, answers[event.request()].clone(), null);
      }
    }
    time.addAndGet(2 * WINDOW.toNanos());
    fresh.expire();

    assertThat(here.count("acclimate.labels.joined")).isEqualTo(samples);
    assertThat(here.count("acclimate.labels.correct")).isEqualTo(correct);
    assertThat(here.count("acclimate.labels.late")).isZero();
    assertThat(here.count("acclimate.answers.unlabelled")).isZero();
    assertThat(here.count("acclimate.labels.duplicate")).isZero();
  }

  @Test
  void joinsEachPairOnceWhenAnswersAndLabelsComeFromTwoThreads() throws InterruptedException {
    int requests = 20_000;
    LabelJoin shared = joinOf(requests);
    Thread labeller =
        new Thread(
            () -> {
              for (int i = requests - 1; i >= 0; i--) {
                shared.labelled("s", "" + i, labels(1));
              }
            });
    labeller.start();
    for (int i = 0; i < requests; i++) {
      shared.answered("s", "" + i, classes(1), classes(2));
    }
    labeller.join();

    assertCounts(requests, 0, 0, 0, 0);
    assertThat(metrics.accuracy("adapted")).isEqualTo(1);
    assertThat(metrics.accuracy("frozen")).isZero();
  }
}
