package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";

  private static Headers headers(Map<String, String> texts) {
    Headers headers = new RecordHeaders();
    texts.forEach((name, text) -> headers.add(name, text.getBytes(StandardCharsets.UTF_8)));
    return headers;
  }

  @ParameterizedTest
  @ValueSource(strings = {"00-T-S-01", "00-T-S-00", "01-T-S-01", "cc-T-S-01-what.comes"})
  void readsTheRecommendationsForm(String form) {
    String text = form.replace("T", TRACE).replace("S", SPAN);

    assertThat(TraceContext.parse(text)).contains(new TraceContext(TRACE, SPAN));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00-T-S",
        "00-T-S-1",
        "00-T-S-01-more",
        "ff-T-S-01",
        "00-00000000000000000000000000000000-S-01",
        "00-T-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-S-01",
        "00-T-S-01 ",
      })
  void otherFormsAreNoTrace(String form) {
    assertThat(TraceContext.parse(form.replace("T", TRACE).replace("S", SPAN))).isEmpty();
  }

  @Test
  void passesBothHeadersOnAsTheyAreAndNothingElse() {
    Headers request =
        headers(Map.of("traceparent", "no trace", "tracestate", "vendor=1,b=2", "other", "x"));
    Headers response = new RecordHeaders();

    TraceContext.pass(request, response);

    assertThat(response.toArray())
        .containsExactly(request.lastHeader("traceparent"), request.lastHeader("tracestate"));
  }
}
