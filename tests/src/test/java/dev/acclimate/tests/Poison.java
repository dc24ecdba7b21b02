package dev.acclimate.tests;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.acclimate.streams.DeadLetterReason;
import dev.acclimate.streams.RequestEncoder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/**
 * A request to {@link SmallModels#classifier()} that cannot be answered.
 *
 * @param reason what is wrong with it
 * @param value the record's value
 * @param headerLength the length of its JSON header, for one in binary form
 */
@SuppressWarnings("ArrayRecordComponent") // handed on
record Poison(DeadLetterReason reason, byte @Nullable [] value, @Nullable Integer headerLength) {
  private static final String SHAPE = "[1,3,8,8]";

  /** One of every kind that a request can be the cause of. */
  static Map<DeadLetterReason, Poison> ofEveryKind() {
    String good = json(0.5f);
    Map<DeadLetterReason, Poison> kinds = new LinkedHashMap<>();
    add(kinds, DeadLetterReason.TOMBSTONE, null);
    add(
        kinds,
        DeadLetterReason.TOO_LARGE,
        replaced(
            good, "{", "{\"pad\":\"" + "p".repeat(AgentProcess.Group.MAX_RECORD_BYTES) + "\","));
    add(kinds, DeadLetterReason.MALFORMED, good.substring(0, good.length() / 2));
    add(kinds, DeadLetterReason.MISSING_INPUT, "{\"id\":\"poison\"}");
    add(kinds, DeadLetterReason.UNKNOWN_INPUT, replaced(good, "\"input\"", "\"other\""));
    add(
        kinds,
        DeadLetterReason.UNKNOWN_OUTPUT,
        replaced(good, "{", "{\"outputs\":[{\"name\":\"other\"}],"));
    add(kinds, DeadLetterReason.WRONG_SHAPE, replaced(good, SHAPE, "[1,3,8,9]"));
    add(kinds, DeadLetterReason.WRONG_DATATYPE, replaced(good, "FP32", "INT64"));
    add(kinds, DeadLetterReason.UNSUPPORTED_DATATYPE, replaced(good, "FP32", "BYTES"));
    add(kinds, DeadLetterReason.WRONG_COUNT, replaced(good, "[0.5,", "["));
    add(kinds, DeadLetterReason.NOT_FINITE, replaced(good, "[0.5,", "[NaN,"));
    // finite itself, but no finite answer can be made of it
    add(kinds, DeadLetterReason.RESPONSE, json(3e38f));
    RequestEncoder.Encoded binary =
        new RequestEncoder(SmallModels.CLASSIFIER_INPUT, RequestEncoder.Form.BINARY)
            .encode("poison", values(0.5f));
    kinds.put(
        DeadLetterReason.TRUNCATED,
        new Poison(
            DeadLetterReason.TRUNCATED,
            Arrays.copyOf(binary.value(), binary.value().length - 1),
            binary.headerLength()));
    return kinds;
  }

  private static void add(
      Map<DeadLetterReason, Poison> kinds, DeadLetterReason reason, @Nullable String value) {
    kinds.put(reason, new Poison(reason, value == null ? null : value.getBytes(UTF_8), null));
  }

  private static String replaced(String good, String part, String by) {
    int at = good.indexOf(part);
    if (at < 0) {
      throw new IllegalArgumentException("no " + part + " in " + good);
    }
    return good.substring(0, at) + by + good.substring(at + part.length());
  }

  /** A request that is as it should be. */
  static String json(String id, float value) {
    return new String(
        new RequestEncoder(SmallModels.CLASSIFIER_INPUT, RequestEncoder.Form.JSON)
            .encode(id, values(value))
            .value(),
        UTF_8);
  }

  private static String json(float value) {
    return json("poison", value);
  }

  private static float[] values(float value) {
    float[] values = new float[Math.toIntExact(SmallModels.CLASSIFIER_INPUT.elementsPerSample())];
    Arrays.fill(values, value);
    return values;
  }

  ProducerRecord<String, byte[]> record(String topic, int partition, String key) {
    ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, partition, key, value);
    if (headerLength != null) {
      record
          .headers()
          .add("inference-header-content-length", headerLength.toString().getBytes(UTF_8));
    }
    return record;
  }
}
