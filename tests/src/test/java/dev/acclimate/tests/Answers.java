package dev.acclimate.tests;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** What was answered to each device, in the order of the answers. */
final class Answers {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MOST_DIFFERENCES = 20;

  private final Map<String, List<Answer>> byDevice = new LinkedHashMap<>();

  private Answers() {}

  /**
   * One answer.
   *
   * @param id the request's
   * @param step how many steps the state had behind it
   * @param value all bytes of the answer
   */
  private record Answer(String id, String step, ByteBuffer value) {
    String differenceFrom(Answer other) {
      return "%s at step %s instead of %s at step %s, %s"
          .formatted(
              id,
              step,
              other.id,
              other.step,
              value.equals(other.value) ? "same bytes" : "other bytes");
    }
  }

  /** The answers among a topic's records, those of a device in the order of its partition. */
  static Answers of(Iterable<ConsumerRecord<String, byte[]>> records) {
    Answers answers = new Answers();
    for (ConsumerRecord<String, byte[]> record : records) {
      answers
          .byDevice
          .computeIfAbsent(record.key(), key -> new ArrayList<>())
          .add(
              new Answer(
                  id(record), header(record, "acclimate-step"), ByteBuffer.wrap(record.value())));
    }
    return answers;
  }

  /** The id in a request or an answer of either form. */
  static String id(ConsumerRecord<String, byte[]> record) {
    String length = header(record, "inference-header-content-length");
    int json = length.isEmpty() ? record.value().length : Integer.parseInt(length);
    try {
      return JSON.readTree(record.value(), 0, json).get("id").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The text of a header, empty where there is none. */
  static String header(ConsumerRecord<String, byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? "" : new String(header.value(), UTF_8);
  }

  /** What keeps these from being one answer to each request, in the order of the requests. */
  List<String> faults(RequestLog requests) {
    List<String> faults = new ArrayList<>();
    for (int number = 0; number < requests.devices(); number++) {
      String device = RequestLog.device(number);
      List<Answer> answers = byDevice.getOrDefault(device, List.of());
      if (answers.size() != requests.sent()) {
        faults.add(device + ": " + answers.size() + " answers to " + requests.sent() + " requests");
      }
      for (int i = 0; i < answers.size(); i++) {
        String expected = RequestLog.id(number, i);
        if (!answers.get(i).id().equals(expected)) {
          faults.add(device + ": expected an answer to " + expected + ", found " + answers.get(i));
          break;
        }
      }
    }
    return faults;
  }

  /** Where these are not, bit for bit, what another run answered: the first few places. */
  List<String> differencesFrom(Answers other) {
    List<String> differences = new ArrayList<>();
    other.byDevice.forEach(
        (device, expected) -> {
          List<Answer> found = byDevice.getOrDefault(device, List.of());
          if (found.size() != expected.size()) {
            differences.add(device + ": " + found.size() + " instead of " + expected.size());
          }
          for (int i = 0; i < Math.min(found.size(), expected.size()); i++) {
            if (!found.get(i).equals(expected.get(i)) && differences.size() < MOST_DIFFERENCES) {
              differences.add(found.get(i).differenceFrom(expected.get(i)));
            }
          }
        });
    return differences;
  }
}
