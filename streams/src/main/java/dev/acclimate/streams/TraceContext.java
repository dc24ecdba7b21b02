package dev.acclimate.streams;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.slf4j.MDC;

/**
 * The trace that a request belongs to, as W3C Trace Context (level 1) writes it.
 *
 * <p>Nothing here records spans, so the headers go from a request to its answer as they came, bad
 * ones too, which is what the recommendation asks of those that only pass them on: a span of our
 * own that nobody exports would leave the spans after it without a parent. Log lines about a single
 * request carry {@value #TRACE_ID} and {@value #SPAN_ID}, the caller's, under the names that
 * OpenTelemetry gives them.
 *
 * @param traceId 32 hexadecimal digits
 * @param spanId 16 hexadecimal digits: the span of whoever sent the request
 */
public record TraceContext(String traceId, String spanId) {
  public static final String TRACEPARENT = "traceparent";
  public static final String TRACESTATE = "tracestate";
  public static final String TRACE_ID = "trace_id";
  public static final String SPAN_ID = "span_id";

  /** Later versions may append fields; ff is no version, and ids of zeros are none. */
  private static final Pattern FORM =
      Pattern.compile(
          "(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?");

  private static final String FIRST_VERSION = "00";

  /** Reads a {@value #TRACEPARENT}; empty where it is not of the form. */
  public static Optional<TraceContext> parse(String traceparent) {
    Matcher matcher = FORM.matcher(traceparent);
    if (!matcher.matches()
        || (matcher.group(1).equals(FIRST_VERSION) && matcher.group(4) != null)) {
      return Optional.empty();
    }
    return Optional.of(new TraceContext(matcher.group(2), matcher.group(3)));
  }

  /** Gives a response the headers of its request, as they are. */
  static void pass(Headers request, Headers response) {
    for (String name : new String[] {TRACEPARENT, TRACESTATE}) {
      Header header = request.lastHeader(name);
      if (header != null) {
        response.add(header);
      }
    }
  }

  /** Runs what logs about one request. */
  static void logging(Headers request, Runnable body) {
    Header header = request.lastHeader(TRACEPARENT);
    Optional<TraceContext> trace =
        header == null ? Optional.empty() : parse(RecordHeaders.text(header));
    trace.ifPresentOrElse(context -> context.logging(body), body);
  }

  /** Runs what logs about this trace. */
  public void logging(Runnable body) {
    MDC.put(TRACE_ID, traceId);
    MDC.put(SPAN_ID, spanId);
    try {
      body.run();
    } finally {
      MDC.remove(TRACE_ID);
      MDC.remove(SPAN_ID);
    }
  }
}
