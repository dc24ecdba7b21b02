package dev.acclimate.tests;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.RequestEncoder;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The requests of some devices to {@link SmallModels#classifier()}, each with a partition of its
 * own: numbered, and drifting as they go. A device sends a burst, a record a millisecond, and then
 * waits {@value #PAUSE_MILLIS} ms, by its records' timestamps. What a request holds depends on its
 * device and number only.
 */
final class RequestLog implements AutoCloseable {
  static final int PAUSE_MILLIS = 1000;
  private static final TensorInfo INPUT = SmallModels.CLASSIFIER_INPUT;
  private static final RequestEncoder ENCODER =
      new RequestEncoder(INPUT, RequestEncoder.Form.BINARY);
  private static final long START = 1_750_000_000_000L;

  private final String topic;
  private final int devices;
  private final int burst;
  private final KafkaProducer<String, byte[]> producer;
  private int sent;

  /**
   * An empty log.
   *
   * @param devices how many devices, and so partitions
   * @param burst records of a burst
   */
  RequestLog(String bootstrap, String topic, int devices, int burst) {
    this.topic = topic;
    this.devices = devices;
    this.burst = burst;
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", bootstrap);
    // a reader sees a step of the log as a whole
    settings.put("transactional.id", topic + "-devices");
    this.producer =
        new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
    producer.initTransactions();
  }

  /** The topic that a log needs: its records are of a fixed day in the past, and stay. */
  static NewTopic topic(String name, int devices) {
    return new NewTopic(name, devices, (short) 1).configs(Map.of("retention.ms", "-1"));
  }

  String topic() {
    return topic;
  }

  int devices() {
    return devices;
  }

  /** How many requests of each device were sent. */
  int sent() {
    return sent;
  }

  static String device(int number) {
    return "device-" + number;
  }

  static String id(int device, int number) {
    return device + ":" + number;
  }

  /** Sends the next {@code count} requests of each device, at once for those that read them. */
  void send(int count) {
    producer.beginTransaction();
    for (int number = sent; number < sent + count; number++) {
      for (int device = 0; device < devices; device++) {
        send(device, number);
      }
    }
    producer.commitTransaction();
    sent += count;
  }

  private void send(int device, int number) {
    RequestEncoder.Encoded request = ENCODER.encode(id(device, number), values(device, number));
    long timestamp = START + number + (long) (number / burst) * PAUSE_MILLIS;
    ProducerRecord<String, byte[]> record =
        new ProducerRecord<>(topic, device, timestamp, device(device), request.value());
    String length = Integer.toString(request.headerLength());
    record.headers().add("inference-header-content-length", length.getBytes(UTF_8));
    var unused = producer.send(record);
  }

  private static float[] values(int device, int number) {
    Random random = new Random(1_000_003L * device + number);
    double mean = Math.sin(number / 200.0) + 0.3 * device;
    double deviation = 1 + 0.5 * Math.cos(number / 300.0);
    float[] values = new float[Math.toIntExact(INPUT.elementsPerSample())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return values;
  }

  @Override
  public void close() {
    producer.close();
  }
}
