package dev.acclimate.adapters.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RecentAnswersTest {
  private final RecentAnswers recent = new RecentAnswers();

  private void add(String id, int samples) {
    recent.add(
        List.of(new BatchShare("s", samples, id)),
        new RecentAnswers.Answer(new int[samples], null, null));
  }

  @Test
  void theOldestLeaveWhenThereAreTooMany() {
    int each = 1000;
    int room = RecentAnswers.MOST_SAMPLES / each;
    for (int i = 0; i <= room; i++) {
      add("id-" + i, each);
    }

    assertThat(recent.samples()).isEqualTo(room * each);
    assertThat(recent.get("id-0")).isNull();
    assertThat(recent.get("id-1")).isNotNull();
  }

  @Test
  void anIdThatComesAgainTakesItsOwnPlace() {
    add("same", 3);
    add("same", 2);

    assertThat(recent.samples()).isEqualTo(2);
    recent.remove("same");
    assertThat(recent.samples()).isZero();
  }

  @Test
  void idsAreOfBoundedLength() {
    add("x".repeat(RecentAnswers.MOST_ID_LETTERS + 1), 1);

    assertThat(recent.samples()).isZero();
  }
}
