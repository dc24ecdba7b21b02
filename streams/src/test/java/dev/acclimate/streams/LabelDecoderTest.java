package dev.acclimate.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelDecoderTest {
  private final LabelDecoder decoder = new LabelDecoder(4);

  private LabelDecoder.Labelled decode(String json) throws InvalidRecordException {
    return decoder.decode(json.getBytes(UTF_8));
  }

  @Test
  void readsOneLabel() throws InvalidRecordException {
    LabelDecoder.Labelled read = decode("{\"id\": \"Halle Süd-7\", \"label\": 3}");

    assertThat(read.id()).isEqualTo("Halle Süd-7");
    assertThat(read.labels()).containsExactly(3);
  }

  @Test
  void readsALabelForEachSampleAndPassesOverWhatItDoesNotKnow() throws InvalidRecordException {
    LabelDecoder.Labelled read =
        decode("{\"label\": [1, 2, -3, 9223372036854775807], \"by\": {\"id\": [4]}, \"id\": \"\"}");

    assertThat(read.id()).isEmpty();
    assertThat(read.labels()).containsExactly(1, 2, -3, Long.MAX_VALUE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "7 | feedback: expected an object, found '7'",
        "[] | feedback: expected an object, found '['",
        "'' | feedback: expected an object, found nothing",
        "{ | expected JSON, found an error: Unexpected end-of-input",
        "{'id': 'a', 'label': 1 | expected JSON, found an error: Unexpected end-of-input",
        "{'id': 'a', 'label': 1} x | expected JSON, found an error: Unrecognized token 'x'",
        "{'id': 'a', 'label': 1} {} | feedback: expected nothing after the object, found '{'",
        "{'label': 1} | id: expected the id of a request, found none",
        "{'id': 7, 'label': 1} | id: expected a string, found '7'",
        "{'id': null, 'label': 1} | id: expected a string, found 'null'",
        "{'id': 'a'} | label: expected a class or a list of them, found none",
        "{'id': 'a', 'label': 'cat'} | label: expected a whole number or a list of them, found 'cat'",
        "{'id': 'a', 'label': 1.0} | label: expected a whole number or a list of them, found '1.0'",
        "{'id': 'a', 'label': null} | label: expected a whole number or a list of them, found 'null'",
        "{'id': 'a', 'label': 9223372036854775808} | label: expected a whole number or a list",
        "{'id': 'a', 'label': []} | label: expected a class or a list of them, found an empty list",
        "{'id': 'a', 'label': [1, [2]]} | label: expected whole numbers, found '['",
        "{'id': 'a', 'label': [1, 2, 3, 4, 5]} | label: expected at most 4 labels, found more",
        "{'id': 'a', 'id': 'b', 'label': 1} | expected JSON, found an error: Duplicate field 'id'",
      },
      quoteCharacter = '"')
  void tellsWhatIsWrongWithARecord(String json, String message) {
    String value = json.equals("''") ? "" : json.replace('\'', '"');

    assertThatThrownBy(() -> decode(value))
        .isInstanceOfSatisfying(
            InvalidRecordException.class,
            e -> assertThat(e.reason()).isEqualTo(DeadLetterReason.MALFORMED_LABEL))
        .hasMessageStartingWith(message);
  }

  @Test
  void refusesNullAndBytesThatAreNoText() {
    assertThatThrownBy(() -> decoder.decode(null))
        .isInstanceOf(InvalidRecordException.class)
        .hasMessage("expected a label, found a null value");
    // looks like UTF-32, which Jackson finds out by itself, and has a character that is none
    byte[] utf32 = {0, 0, 0, '{', -1, -1, -1, -1};
    assertThatThrownBy(() -> decoder.decode(utf32))
        .isInstanceOf(InvalidRecordException.class)
        .hasMessageStartingWith("expected JSON, found");
  }
}
