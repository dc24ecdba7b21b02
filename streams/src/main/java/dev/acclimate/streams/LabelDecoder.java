package dev.acclimate.streams;

import static dev.acclimate.streams.DeadLetterReason.MALFORMED_LABEL;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Decodes feedback: {@code {"id": "camera-7", "label": 3}}, or {@code "label": [3, 1, ...]} for a
 * request of several samples. Further fields are passed over.
 */
public final class LabelDecoder {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final int maxLabels;

  /** The labels of a request. */
  @SuppressWarnings("ArrayRecordComponent") // not compared
  public record Labelled(String id, long[] labels) {}

  /**
   * A decoder.
   *
   * @param maxLabels labels of the largest request there can be
   */
  public LabelDecoder(int maxLabels) {
    this.maxLabels = maxLabels;
  }

  /**
   * Decodes a record's value.
   *
   * @throws InvalidRecordException when it is no feedback, naming field, expected and found
   */
  public Labelled decode(byte @Nullable [] value) throws InvalidRecordException {
    if (value == null) {
      throw malformed("expected a label, found a null value");
    }
    try (JsonParser parser = JSON.createParser(value)) {
      return decode(parser);
    } catch (JsonProcessingException e) {
      throw malformed("expected JSON, found an error: " + e.getOriginalMessage());
    } catch (IOException e) {
      // Jackson tells UTF-16 and UTF-32 from UTF-8 by itself, and of errors there in another way
      throw malformed("expected JSON, found bytes that are no text: " + e.getMessage());
    }
  }

  private Labelled decode(JsonParser parser) throws IOException, InvalidRecordException {
    expect(parser.nextToken() == JsonToken.START_OBJECT, "feedback", "an object", parser);
    String id = null;
    long[] labels = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      JsonToken token = parser.nextToken();
      switch (field) {
        case "id" -> {
          expect(token == JsonToken.VALUE_STRING, "id", "a string", parser);
          id = parser.getText();
        }
        case "label" -> labels = labels(parser);
        default -> parser.skipChildren();
      }
    }
    expect(parser.nextToken() == null, "feedback", "nothing after the object", parser);
    if (id == null) {
      throw malformed("id: expected the id of a request, found none");
    }
    if (labels == null) {
      throw malformed("label: expected a class or a list of them, found none");
    }
    return new Labelled(id, labels);
  }

  private long[] labels(JsonParser parser) throws IOException, InvalidRecordException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      return new long[] {label(parser, "a whole number or a list of them")};
    }
    long[] labels = new long[1];
    int count = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (count == maxLabels) {
        throw malformed("label: expected at most " + maxLabels + " labels, found more");
      }
      if (count == labels.length) {
        labels = Arrays.copyOf(labels, 2 * count);
      }
      labels[count++] = label(parser, "whole numbers");
    }
    if (count == 0) {
      throw malformed("label: expected a class or a list of them, found an empty list");
    }
    return Arrays.copyOf(labels, count);
  }

  private static long label(JsonParser parser, String expected)
      throws IOException, InvalidRecordException {
    expect(parser.currentToken() == JsonToken.VALUE_NUMBER_INT, "label", expected, parser);
    expect(parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER, "label", expected, parser);
    return parser.getLongValue();
  }

  private static void expect(boolean met, String field, String expected, JsonParser parser)
      throws IOException, InvalidRecordException {
    if (!met) {
      String found = parser.currentToken() == null ? "nothing" : abbreviated(parser.getText());
      throw malformed(field + ": expected " + expected + ", found " + found);
    }
  }

  private static String abbreviated(String text) {
    return "'" + (text.length() <= 60 ? text : text.substring(0, 57) + "...") + "'";
  }

  private static InvalidRecordException malformed(String message) {
    return new InvalidRecordException(MALFORMED_LABEL, message);
  }
}
