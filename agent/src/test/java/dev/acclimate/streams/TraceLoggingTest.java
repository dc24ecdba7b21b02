package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

/** Here, since this module's tests have a logger that knows contexts. */
class TraceLoggingTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";

  @Test
  void logsUnderTheTraceAndNoLonger() {
    AtomicReference<Map<String, String>> seen = new AtomicReference<>(Map.of());
    String parent = "00-" + TRACE + "-" + SPAN + "-01";
    Headers request =
        new RecordHeaders().add("traceparent", parent.getBytes(StandardCharsets.UTF_8));

    TraceContext.logging(request, () -> seen.set(MDC.getCopyOfContextMap()));

    assertThat(seen.get()).containsEntry("trace_id", TRACE).containsEntry("span_id", SPAN);
    assertThat(MDC.get("trace_id")).isNull();
  }

  @Test
  void logsWithoutATraceToo() {
    AtomicReference<String> seen = new AtomicReference<>("");

    TraceContext.logging(new RecordHeaders(), () -> seen.set(MDC.get("trace_id")));

    assertThat(seen.get()).isNull();
  }
}
