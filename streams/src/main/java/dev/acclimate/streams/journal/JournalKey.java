package dev.acclimate.streams.journal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The key of a journal record: {@code group/lane/kind/subject...}, each part percent-encoded, and
 * {@code #i} behind it for the i-th further chunk of a large value. Compaction keeps the latest
 * record of each key.
 *
 * @param group the consumer group whose journal it is
 * @param lane the log that states are folded over: {@code topic-partition}, or {@code topic} for
 *     scope model
 * @param kind what the record holds
 * @param variant the model and method that a state belongs to; empty for batches and controls
 * @param subject the stream of a state or control, the slot of a batch, else empty
 */
public record JournalKey(String group, String lane, Kind kind, String variant, String subject) {

  /** What a journal record holds. */
  public enum Kind {
    /** The lane as of one commit: where each stream's snapshot lies. */
    CHECKPOINT("checkpoint", 1),
    /** A stream's state, as safetensors. */
    STATE("state", 2),
    /** Which records made up a batch. */
    BATCH("batch", 1),
    /** What an operator asks for. */
    CONTROL("control", 1);

    private final String text;
    private final int parts;

    Kind(String text, int parts) {
      this.text = text;
      this.parts = parts;
    }
  }

  /** Subject of a control that concerns all streams of a lane; no stream encodes to it. */
  public static final String ALL = "*";

  static final String CHUNK = "#";

  static JournalKey checkpoint(String group, String lane, String variant) {
    return new JournalKey(group, lane, Kind.CHECKPOINT, variant, "");
  }

  static JournalKey state(String group, String lane, String variant, String stream) {
    return new JournalKey(group, lane, Kind.STATE, variant, stream);
  }

  static JournalKey batch(String group, String lane, long slot) {
    return new JournalKey(group, lane, Kind.BATCH, "", Long.toString(slot));
  }

  /** The key of a control for a stream, or for {@link #ALL} of a lane. */
  public static JournalKey control(String group, String lane, String stream) {
    return new JournalKey(group, lane, Kind.CONTROL, "", stream);
  }

  /** The one stream of a lane whose records share a state. */
  public static final String WHOLE_LANE = "";

  private static final String KEYLESS = "-";
  private static final Pattern BROKEN_ESCAPE = Pattern.compile("%(?![0-9A-F]{2})");

  /** A record key's bytes as text that keeps apart what differs; null is a stream of its own. */
  public static String stream(byte @Nullable [] recordKey) {
    return recordKey == null ? KEYLESS : "=" + encode(recordKey);
  }

  /** What people see of a stream. */
  public static String display(String stream) {
    return switch (stream) {
      case WHOLE_LANE -> "(all)";
      case KEYLESS -> "(no key)";
      default -> stream.substring(1);
    };
  }

  /** The stream of a record whose key is that text. */
  public static String streamOf(String keyText) {
    return stream(keyText.getBytes(StandardCharsets.UTF_8));
  }

  String text() {
    List<String> parts = new ArrayList<>(List.of(encode(group), encode(lane), kind.text));
    switch (kind) {
      case CHECKPOINT -> parts.add(encode(variant));
      case STATE -> parts.addAll(List.of(encode(variant), encode(subject)));
      case BATCH, CONTROL -> parts.add(subject.equals(ALL) ? ALL : encode(subject));
    }
    return String.join("/", parts);
  }

  /** The key of a record, empty where it is none of ours; a chunk's mark is ignored. */
  public static Optional<JournalKey> of(byte @Nullable [] recordKey) {
    return recordKey == null
        ? Optional.empty()
        : parse(new String(recordKey, StandardCharsets.UTF_8));
  }

  static Optional<JournalKey> parse(String text) {
    if (BROKEN_ESCAPE.matcher(text).find()) {
      return Optional.empty();
    }
    int chunk = text.indexOf(CHUNK);
    String[] parts = (chunk < 0 ? text : text.substring(0, chunk)).split("/", -1);
    if (parts.length < 4) {
      return Optional.empty();
    }
    for (Kind kind : Kind.values()) {
      if (kind.text.equals(parts[2]) && parts.length == 3 + kind.parts) {
        String first = parts[3].equals(ALL) ? ALL : decode(parts[3]);
        return Optional.of(
            switch (kind) {
              case CHECKPOINT -> checkpoint(decode(parts[0]), decode(parts[1]), first);
              case STATE -> state(decode(parts[0]), decode(parts[1]), first, decode(parts[4]));
              case BATCH, CONTROL ->
                  new JournalKey(decode(parts[0]), decode(parts[1]), kind, "", first);
            });
      }
    }
    return Optional.empty();
  }

  private static String encode(String text) {
    return encode(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String encode(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      char c = (char) (b & 0xff);
      boolean plain = c < 128 && (Character.isLetterOrDigit(c) || "-_.=:".indexOf(c) >= 0);
      if (plain) {
        text.append(c);
      } else {
        text.append('%').append(String.format("%02X", (int) c));
      }
    }
    return text.toString();
  }

  private static String decode(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        bytes.write(Integer.parseInt(text.substring(i + 1, i + 3), 16));
        i += 2;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
