package dev.acclimate.streams;

import static dev.acclimate.streams.DeadLetterReason.NOT_FINITE;
import static dev.acclimate.streams.DeadLetterReason.WRONG_COUNT;
import static dev.acclimate.streams.DeadLetterReason.WRONG_DATATYPE;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.acclimate.models.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Writes the elements of a JSON data array into their place in a batch, in order. */
final class ElementSink {
  private final String field;
  private final ElementType type;
  private final ByteBuffer target;
  private final int expected;
  private int position;
  private int count;

  ElementSink(String field, ElementType type, ByteBuffer target, int offset, int expected) {
    this.field = field;
    this.type = type;
    this.target = target;
    this.position = offset;
    this.expected = expected;
  }

  void put(JsonParser parser, @Nullable JsonToken token)
      throws IOException, InvalidRecordException {
    if (token == null || !(token.isNumeric() || token.isBoolean())) {
      throw new InvalidRecordException(
          WRONG_DATATYPE,
          field
              + ": expected "
              + type
              + " elements, found "
              + RequestDecoder.described(token)
              + " at element "
              + count);
    }
    if (count < expected) {
      write(parser, token);
      position += type.bytes();
    }
    count++;
  }

  private void write(JsonParser parser, JsonToken token)
      throws IOException, InvalidRecordException {
    if (type != ElementType.BOOL && token.isBoolean()) {
      throw wrongType(parser);
    }
    switch (type) {
      case FP32 -> {
        float element = parser.getFloatValue();
        if (!Float.isFinite(element)) {
          throw notFinite(parser);
        }
        target.putFloat(position, element);
      }
      case FP64 -> {
        double element = parser.getDoubleValue();
        if (!Double.isFinite(element)) {
          throw notFinite(parser);
        }
        target.putDouble(position, element);
      }
      case INT8 -> target.put(position, (byte) whole(parser, Byte.MIN_VALUE, Byte.MAX_VALUE));
      case UINT8 -> target.put(position, (byte) whole(parser, 0, 255));
      case INT16 ->
          target.putShort(position, (short) whole(parser, Short.MIN_VALUE, Short.MAX_VALUE));
      case INT32 ->
          target.putInt(position, (int) whole(parser, Integer.MIN_VALUE, Integer.MAX_VALUE));
      case INT64 -> target.putLong(position, whole(parser, Long.MIN_VALUE, Long.MAX_VALUE));
      case BOOL ->
          target.put(
              position,
              token.isBoolean()
                  ? (byte) (token == JsonToken.VALUE_TRUE ? 1 : 0)
                  : (byte) whole(parser, 0, 1));
      case FP16, BF16 -> throw new AssertionError(type + " has no JSON form");
    }
  }

  private long whole(JsonParser parser, long least, long most)
      throws IOException, InvalidRecordException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
        || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      throw wrongType(parser);
    }
    long element = parser.getLongValue();
    if (element < least || element > most) {
      throw wrongType(parser);
    }
    return element;
  }

  private InvalidRecordException wrongType(JsonParser parser) throws IOException {
    return new InvalidRecordException(
        WRONG_DATATYPE,
        field + ": expected " + type + " elements, found " + text(parser) + " at element " + count);
  }

  private InvalidRecordException notFinite(JsonParser parser) throws IOException {
    return new InvalidRecordException(
        NOT_FINITE,
        field
            + ": expected finite "
            + type
            + " numbers, found "
            + text(parser)
            + " at element "
            + count);
  }

  private static String text(JsonParser parser) throws IOException {
    String text = parser.getText();
    return text.length() <= 40 ? text : text.substring(0, 37) + "...";
  }

  /** Checks that the array held as many elements as its shape asks for. */
  void finish() throws InvalidRecordException {
    if (count != expected) {
      throw new InvalidRecordException(
          WRONG_COUNT, field + ": expected " + expected + " elements, found " + count);
    }
  }
}
