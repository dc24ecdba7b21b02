package dev.acclimate.streams.journal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Which records made up a batch, in their order, so that it can be run again.
 *
 * @param sequence the batch's number in its lane, from 1
 * @param variant the model and method that ran it
 * @param stream whose batch it was
 * @param step how many steps the stream's state had behind it afterwards
 * @param runs its records as runs of neighbours
 */
public record BatchBoundary(
    long sequence, String variant, String stream, long step, List<Run> runs) {
  private static final JsonFactory FACTORY = new JsonFactory();
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Records {@code first} to {@code first + count - 1} of a partition. */
  public record Run(int partition, long first, int count) {}

  public BatchBoundary {
    runs = List.copyOf(runs);
  }

  /** Collects runs from records one after another. */
  public static final class Runs {
    private final List<Run> runs = new ArrayList<>();

    public void add(int partition, long offset) {
      int end = runs.size() - 1;
      Run last = end < 0 ? null : runs.get(end);
      if (last != null && last.partition() == partition && last.first() + last.count() == offset) {
        runs.set(end, new Run(partition, last.first(), last.count() + 1));
      } else {
        runs.add(new Run(partition, offset, 1));
      }
    }

    public List<Run> toList() {
      return runs;
    }
  }

  byte[] toBytes() {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeNumberField("sequence", sequence);
      json.writeStringField("variant", variant);
      json.writeStringField("stream", stream);
      json.writeNumberField("step", step);
      json.writeArrayFieldStart("runs");
      for (Run run : runs) {
        json.writeStartArray();
        json.writeNumber(run.partition());
        json.writeNumber(run.first());
        json.writeNumber(run.count());
        json.writeEndArray();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  static BatchBoundary parse(byte[] bytes) {
    try {
      JsonNode json = JSON.readTree(bytes);
      List<Run> runs = new ArrayList<>();
      for (JsonNode run : json.path("runs")) {
        runs.add(new Run(run.path(0).asInt(), run.path(1).asLong(), run.path(2).asInt()));
      }
      return new BatchBoundary(
          json.path("sequence").asLong(),
          json.path("variant").asText(),
          json.path("stream").asText(),
          json.path("step").asLong(),
          runs);
    } catch (IOException e) {
      throw new IllegalStateException("a batch boundary in the state topic is not JSON", e);
    }
  }
}
