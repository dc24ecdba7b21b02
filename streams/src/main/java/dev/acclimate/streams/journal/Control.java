package dev.acclimate.streams.journal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;

/**
 * What an operator asks a running processor for, in a record of the state topic: {@code
 * {"action":"reset"}} or {@code {"action":"switch","method":"alpha-bn"}}.
 *
 * @param action what to do
 * @param method the method to switch to; empty for other actions
 */
public record Control(Action action, String method) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The things that can be asked for. */
  public enum Action {
    /** Start the stream, or all streams of the lane, anew from the initial state. */
    RESET,
    /** Go on with another method. */
    SWITCH
  }

  /** Asks for streams to start anew. */
  public static Control reset() {
    return new Control(Action.RESET, "");
  }

  /** Asks for another method. */
  public static Control switchTo(String method) {
    return new Control(Action.SWITCH, method);
  }

  byte[] toBytes() {
    ObjectNode json = JSON.createObjectNode();
    json.put("action", action.name().toLowerCase(Locale.ROOT));
    if (action == Action.SWITCH) {
      json.put("method", method);
    }
    try {
      return JSON.writeValueAsBytes(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a tree of strings is JSON", e);
    }
  }

  /** Reads a control, empty where the value is none. */
  public static Optional<Control> parse(byte[] value) {
    try {
      JsonNode json = JSON.readTree(value);
      if (json == null) {
        return Optional.empty();
      }
      String method = json.path("method").asText();
      return switch (json.path("action").asText()) {
        case "reset" -> Optional.of(reset());
        case "switch" -> method.isBlank() ? Optional.empty() : Optional.of(switchTo(method));
        default -> Optional.empty();
      };
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
