package dev.acclimate.adapters.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.adapters.guard.GuardEvent.Kind;
import dev.acclimate.adapters.guard.GuardEvent.Signal;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class GuardNewsTest {
  private long now = -5; // System.nanoTime may be negative
  private final GuardNews news = new GuardNews(() -> now, false);

  private static GuardEvent event(long batch, Kind kind) {
    return new GuardEvent(batch, kind, Signal.EXPECTED_GAIN, -0.1, 0);
  }

  @Test
  void whatChangesAnswersIsAlwaysNews() {
    for (int batch = 1; batch <= 3; batch++) {
      for (Kind kind : new Kind[] {Kind.FELL_BACK, Kind.ROLLED_BACK, Kind.TRUSTED}) {
        assertThat(news.of(event(batch, kind))).contains(event(batch, kind).text());
      }
    }
  }

  @Test
  void warningsAreNewsOnceAMinuteAndCounted() {
    assertThat(news.of(event(1, Kind.WARNED))).contains(event(1, Kind.WARNED).text());
    for (int batch = 2; batch <= 100; batch++) {
      assertThat(news.of(event(batch, Kind.WARNED))).isEmpty();
    }
    assertThat(news.of(event(50, Kind.HELD))).as("of another kind").isPresent();

    now += Duration.ofMinutes(1).toNanos();

    assertThat(news.of(event(101, Kind.WARNED)))
        .contains(event(101, Kind.WARNED).text() + " (and 99 more like it since the last line)");
    assertThat(news.of(event(102, Kind.WARNED))).isEmpty();
  }
}
