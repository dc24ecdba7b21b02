package dev.acclimate.agent.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** An Open Inference Protocol message in binary form, or a label, as the demo reads it back. */
final class Message {
  private static final String HEADER_LENGTH = "inference-header-content-length";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final byte[] value;
  private final int headerLength;
  private final JsonNode json;

  private Message(byte[] value, int headerLength, JsonNode json) {
    this.value = value;
    this.headerLength = headerLength;
    this.json = json;
  }

  static Message read(ConsumerRecord<byte[], byte[]> record) {
    byte[] value = record.value();
    Header header = record.headers().lastHeader(HEADER_LENGTH);
    int length =
        header == null
            ? value.length
            : Integer.parseInt(new String(header.value(), StandardCharsets.UTF_8));
    try {
      return new Message(value, length, JSON.readTree(value, 0, length));
    } catch (IOException e) {
      throw new IllegalStateException(
          record.topic() + ": expected JSON at offset " + record.offset(), e);
    }
  }

  /** The sample's number, which ends the id that the replay gave it; -1 where there is none. */
  int sample() {
    String id = json.path("id").asText();
    try {
      return Integer.parseInt(id.substring(id.lastIndexOf('-') + 1));
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  long label() {
    return json.path("label").asLong();
  }

  /** The class with the highest of the scores, which are the first output. */
  int highestScore() {
    int bytes = json.path("outputs").path(0).path("parameters").path("binary_data_size").asInt();
    FloatBuffer scores =
        ByteBuffer.wrap(value, headerLength, bytes)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    int best = 0;
    for (int c = 1; c < scores.limit(); c++) {
      if (scores.get(c) > scores.get(best)) {
        best = c;
      }
    }
    return best;
  }
}
