package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/**
 * A server that gets more requests than it can answer. {@code acclimate bench MODEL --serve --rate
 * 3x --minutes 10} is the long version.
 */
class OverloadTest {
  private static final long MEBIBYTE = 1 << 20;

  /** What the heap is limited to, and half a gigabyte for ONNX Runtime, direct buffers and code. */
  private static final long MOST_RESIDENT = (128 + 512) * MEBIBYTE;

  @Test
  void everyRequestIsAnsweredRightlyOrRefusedWithinBoundedMemory() throws IOException {
    CommandLineRun run =
        CommandLineRun.of(
            "bench",
            "builtin",
            "--serve",
            "--rate",
            "3x",
            "--minutes",
            "0.2",
            "--seconds",
            "2",
            "--form",
            "binary",
            "--threads",
            "1",
            "--heap",
            "128m",
            "--json");

    assertThat(run.exitCode()).describedAs(run.err()).isZero();
    JsonNode result = new ObjectMapper().readTree(run.out());
    JsonNode total = result.get("total");
    long requests = total.get("requests").longValue();
    assertThat(requests).isPositive();
    assertThat(total.get("ok").longValue())
        .describedAs("all others are refused, and say when to come back: %s", total)
        .isPositive()
        .isEqualTo(requests - total.get("busy").longValue() - total.get("late").longValue());
    assertThat(total.get("busy").longValue()).isPositive();
    assertThat(total.get("busy_without_retry_after").longValue()).isZero();
    assertThat(total.get("unanswered").longValue()).isZero();
    assertThat(total.get("wrong").longValue()).isZero();
    for (JsonNode period : result.get("periods")) {
      assertThat(period.get("resident_bytes").longValue()).isLessThan(MOST_RESIDENT);
    }
    JsonNode after = result.get("after");
    assertThat(after.get("ok"))
        .describedAs("afterwards nobody is refused")
        .isEqualTo(after.get("requests"));
  }
}
