package dev.acclimate.streams.journal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A lane as of one commit.
 *
 * @param sequence number of batches committed in the lane
 * @param variant the model and method at work
 * @param variants the journal offsets of the last checkpoints of other variants, to go back to
 * @param control the journal offset up to which controls have been obeyed
 * @param streams the streams by key that have a state or are ahead of the lane's committed offset
 */
public record Checkpoint(
    long sequence,
    String variant,
    Map<String, Long> variants,
    long control,
    Map<String, Mark> streams) {
  private static final JsonFactory FACTORY = new JsonFactory();
  private static final ObjectMapper JSON = new ObjectMapper();

  /** {@link Mark#snapshot} of a stream that is as it started. */
  public static final long INITIAL = -1;

  /**
   * A stream.
   *
   * @param snapshot the journal offset of its latest snapshot, or {@link #INITIAL}
   * @param step how many steps its state has behind it
   * @param upTo records of this stream before that offset are answered, also those behind the
   *     committed offset
   */
  public record Mark(long snapshot, long step, long upTo) {}

  public Checkpoint {
    variants = Map.copyOf(variants);
    streams = new LinkedHashMap<>(streams);
  }

  byte[] toBytes() {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeNumberField("sequence", sequence);
      json.writeStringField("variant", variant);
      json.writeObjectFieldStart("variants");
      for (Map.Entry<String, Long> entry : variants.entrySet()) {
        json.writeNumberField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      json.writeNumberField("control", control);
      json.writeArrayFieldStart("streams");
      for (Map.Entry<String, Mark> entry : streams.entrySet()) {
        json.writeStartArray();
        json.writeString(entry.getKey());
        json.writeNumber(entry.getValue().snapshot());
        json.writeNumber(entry.getValue().step());
        json.writeNumber(entry.getValue().upTo());
        json.writeEndArray();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  static Checkpoint parse(byte[] bytes) {
    try {
      JsonNode json = JSON.readTree(bytes);
      Map<String, Long> variants = new LinkedHashMap<>();
      json.path("variants")
          .properties()
          .forEach(e -> variants.put(e.getKey(), e.getValue().asLong()));
      Map<String, Mark> streams = new LinkedHashMap<>();
      for (JsonNode stream : json.path("streams")) {
        streams.put(
            stream.path(0).asText(),
            new Mark(stream.path(1).asLong(), stream.path(2).asLong(), stream.path(3).asLong()));
      }
      return new Checkpoint(
          json.path("sequence").asLong(),
          json.path("variant").asText(),
          variants,
          json.path("control").asLong(),
          streams);
    } catch (IOException e) {
      throw new IllegalStateException("a checkpoint in the state topic is not JSON", e);
    }
  }
}
