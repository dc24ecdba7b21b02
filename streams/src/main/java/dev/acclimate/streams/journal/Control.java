package dev.acclimate.streams.journal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What an operator asks a running processor for, in a record of the state topic.
 *
 * @param action what to do
 */
public record Control(Action action) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The things that can be asked for. */
  public enum Action {
    /** Start the stream, or all streams of the lane, anew from the initial state. */
    RESET
  }

  byte[] toBytes() {
    return ("{\"action\":\"" + action.name().toLowerCase(java.util.Locale.ROOT) + "\"}")
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Reads a control, empty where the value is none. */
  public static Optional<Control> parse(byte[] value) {
    try {
      JsonNode json = JSON.readTree(value);
      return json != null && json.path("action").asText().equals("reset")
          ? Optional.of(new Control(Action.RESET))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
