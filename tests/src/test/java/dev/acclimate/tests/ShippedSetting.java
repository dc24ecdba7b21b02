package dev.acclimate.tests;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.Segment;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.scenarios.Scenario;
import dev.acclimate.streams.RequestEncoder;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A broker in a process of its own, the shipped model in a file, and labelled samples of a scenario
 * that one camera sends.
 */
final class ShippedSetting implements AutoCloseable {
  private static final byte[] KEY = "camera".getBytes(UTF_8);

  private final List<float[]> samples = new ArrayList<>();
  private final List<Integer> labels = new ArrayList<>();
  private final Path model;
  private final BrokerProcess broker;
  private final KafkaProducer<byte[], byte[]> producer;
  private final RequestEncoder encoder =
      new RequestEncoder(BuiltinModel.load().inputs().get(0), RequestEncoder.Form.JSON);

  /**
   * Starts the broker.
   *
   * @param folder where all files go
   * @param images that the scenario draws from
   * @param segments as a scenario file lists them
   */
  ShippedSetting(Path folder, int images, String segments) throws IOException {
    Path scenario = Files.writeString(folder.resolve("scenario.yaml"), "segments: " + segments);
    DomainStream stream =
        DomainStream.of(
            Scenario.read(scenario.toString()),
            DomainKinds.of(new DataSpec.Builtin(images)),
            BuiltinModel.preprocessing(),
            0);
    stream.segments().forEach(this::add);
    model = Files.write(folder.resolve("model.onnx"), BuiltinModel.load().proto().toByteArray());
    broker = BrokerProcess.start(folder);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  private void add(Segment segment) {
    FloatBuffer value =
        FloatBuffer.allocate((int) BuiltinModel.load().inputs().get(0).elementsPerSample());
    for (int i = 0; i < segment.size(); i++) {
      segment.fill(i, 1, value);
      samples.add(value.array().clone());
      labels.add(segment.label(i));
    }
  }

  BrokerProcess broker() {
    return broker;
  }

  Path model() {
    return model;
  }

  int samples() {
    return samples.size();
  }

  /** {@code [3, 32, 32]}. */
  float[] sample(int number) {
    return samples.get(number);
  }

  int label(int number) {
    return labels.get(number);
  }

  /** Sends samples as requests {@code r0, r1, ...} after their numbers. */
  void sendRequests(String topic, int from, int to) {
    for (int i = from; i < to; i++) {
      var unused =
          producer.send(encoder.encode("r" + i, samples.get(i)).toRecord(topic, 0, null, KEY));
    }
    producer.flush();
  }

  /** Sends what these samples are. */
  void sendLabels(String topic, int from, int to) {
    for (int i = from; i < to; i++) {
      String label = "{\"id\":\"r%d\",\"label\":%d}".formatted(i, labels.get(i));
      var unused = producer.send(new ProducerRecord<>(topic, 0, KEY, label.getBytes(UTF_8)));
    }
    producer.flush();
  }

  @Override
  public void close() {
    producer.close();
    broker.close();
  }
}
