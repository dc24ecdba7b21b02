package dev.acclimate.streams;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Header;

/** Record headers as text in UTF-8. */
final class RecordHeaders {
  /** Bytes of the JSON header of a request or response in binary form. */
  static final String HEADER_LENGTH = "inference-header-content-length";

  private RecordHeaders() {}

  static String text(Header header) {
    byte[] value = header.value();
    return value == null ? "" : new String(value, StandardCharsets.UTF_8);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
