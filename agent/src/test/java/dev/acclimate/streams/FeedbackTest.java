package dev.acclimate.streams;

import static dev.acclimate.streams.StreamFixture.header;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.broker.SharedBroker;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.StreamReplay.LabelledSample;
import dev.acclimate.streams.feedback.FeedbackConfig;
import dev.acclimate.streams.feedback.FrozenModel;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FeedbackTest {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final FeedbackConfig ALL =
      new FeedbackConfig(FeedbackConfig.DEFAULT_WINDOW, FeedbackConfig.DEFAULT_CAPACITY, 1);

  private final EmbeddedBroker broker = SharedBroker.get();
  private final String name = "feedback" + COUNT.incrementAndGet();
  private final StreamConfig config = configOf(broker.bootstrap());
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final KafkaProducer<String, byte[]> producer =
      new KafkaProducer<>(
          Map.of("bootstrap.servers", broker.bootstrap()),
          new StringSerializer(),
          new ByteArraySerializer());

  private StreamConfig configOf(String bootstrap) {
    return StreamConfig.of(
        bootstrap,
        name,
        new StreamConfig.Topics(
            name + ".in", name + ".out", name + ".dead", name + ".labels", null));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened) {
      one.close();
    }
    producer.close();
  }

  private void createTopics(int requestPartitions, int labelPartitions) {
    broker.createTopics(requestPartitions, config.topics().in());
    broker.createTopics(labelPartitions, config.topics().feedback());
    broker.createTopics(1, config.topics().deadLetter());
  }

  private Feedback open() {
    return open(FeedbackClients.real());
  }

  private Feedback open(FeedbackClients clients) {
    Feedback feedback =
        Feedback.open(config, ALL, registry, new FoldingModel().outputs(), null, clients);
    opened.add(feedback);
    return feedback;
  }

  private void send(int partition, String key, String value) {
    var unused =
        producer.send(
            new ProducerRecord<>(
                config.topics().feedback(),
                partition,
                key,
                value == null ? null : value.getBytes(UTF_8)));
    producer.flush();
  }

  private void label(int partition, String id, int label) {
    send(partition, "key", "{\"id\":\"" + id + "\",\"label\":" + label + "}");
  }

  private static void answer(Feedback feedback, String... ids) {
    for (String id : ids) {
      feedback.answered("key".getBytes(UTF_8), id, new int[] {1}, null);
    }
  }

  private int count(String meter) {
    return (int) registry.get(meter).counters().stream().mapToDouble(Counter::count).sum();
  }

  private void awaitJoined(int count) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(count("acclimate.labels.joined")).isEqualTo(count));
  }

  @Test
  void readsTheLabelsOfThePartitionsThatTheProcessorHolds() {
    createTopics(2, 2);
    Feedback feedback = open();
    answer(feedback, "a", "b", "c");
    label(1, "b", 1);
    label(0, "a", 1);

    feedback.owned(List.of(0));
    awaitJoined(1);
    label(0, "c", 1);
    awaitJoined(2);

    feedback.owned(List.of(1));
    awaitJoined(3);
    assertThat(count("acclimate.labels.duplicate")).isZero();
  }

  @Test
  void readsAllPartitionsWhereTheTopicInHasAnotherNumber() {
    createTopics(3, 2);
    Feedback feedback = open();
    answer(feedback, "a", "b");
    label(0, "a", 1);
    label(1, "b", 0);

    awaitJoined(2);
    assertThat(registry.get("acclimate.accuracy.overall").gauge().value()).isEqualTo(0.5);
  }

  @Test
  void goesOnWhereItStopped() {
    createTopics(1, 1);
    label(0, "old", 1);
    Feedback first = open();
    first.owned(List.of(0));
    answer(first, "old");
    awaitJoined(1);
    first.close();
    label(0, "new", 1);

    Feedback second = open();
    answer(second, "old", "new");
    second.owned(List.of(0));

    awaitJoined(1); // of meters that began anew
    label(0, "newer", 1);
    answer(second, "newer");
    awaitJoined(2);
  }

  @Test
  void sendsWhatItCannotReadToTheDeadLetters() {
    createTopics(1, 1);
    Feedback feedback = open();
    feedback.owned(List.of(0));
    answer(feedback, "a", "b");
    label(0, "a", 1);
    send(0, "someone", "{\"id\":\"b\",\"label\":\"cat\"}");
    send(0, "nobody", null);
    label(0, "b", 1);

    awaitJoined(2);
    TopicReader reader = new TopicReader(broker.bootstrap(), config.topics().deadLetter());
    opened.add(reader);
    List<ConsumerRecord<String, byte[]>> dead = reader.settle(2);
    assertThat(dead).extracting(ConsumerRecord::key).containsExactly("someone", "nobody");
    assertThat(dead.get(0).value()).asString(UTF_8).contains("cat");
    assertThat(header(dead.get(0), "acclimate-reason"))
        .isEqualTo(
            "malformed-label: label: expected a whole number or a list of them, found 'cat'");
    assertThat(header(dead.get(0), "acclimate-origin-topic")).isEqualTo(config.topics().feedback());
    assertThat(header(dead.get(0), "acclimate-origin-partition")).isEqualTo("0");
    assertThat(header(dead.get(0), "acclimate-origin-offset")).isEqualTo("1");
    assertThat(dead.get(1).value()).isNull();
    assertThat(count("acclimate.labels.malformed")).isEqualTo(2);
  }

  @Test
  void understandsTheLabelsOfAReplay() {
    createTopics(2, 2);
    Feedback feedback = open();
    feedback.owned(List.of(0, 1));
    List<LabelledSample> samples = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      samples.add(new LabelledSample("camera-" + i % 4, new float[] {i, 0}, i % 3, "none"));
    }
    RequestEncoder encoder = new RequestEncoder(FoldingModel.INPUT, RequestEncoder.Form.JSON);
    try (StreamReplay replay = StreamReplay.open(config, encoder)) {
      replay.send(samples.iterator(), StreamReplay.Timetable.AT_ONCE, sent -> {});
    }

    for (int i = 0; i < 20; i++) {
      String stream = "camera-" + i % 4;
      feedback.answered(stream.getBytes(UTF_8), stream + "-" + i / 4, new int[] {i % 3}, null);
    }

    awaitJoined(20);
    assertThat(registry.get("acclimate.accuracy.overall").gauge().value()).isEqualTo(1);
  }

  @Test
  void comparesWithTheFrozenModel() {
    createTopics(1, 1);
    FrozenModel frozen = batch -> Map.of("y", Tensor.of(new float[] {0, 0, 1, 0, 1, 0}, 2, 3));
    Feedback feedback = Feedback.open(config, ALL, registry, new FoldingModel().outputs(), frozen);
    opened.add(feedback);
    feedback.owned(List.of(0));
    int[] shadow = feedback.shadow(Map.of());
    assertThat(shadow).containsExactly(2, 1);
    Tensor scores = Tensor.of(new float[] {9, 9, 9, 0, 1, 0, 1, 0, 0}, 3, 3);
    int[] adapted = feedback.classes(Map.of("y", scores), 1, 2);

    feedback.answered(null, "a", adapted, shadow);
    send(0, null, "{\"id\":\"a\",\"label\":[2,1]}");

    awaitJoined(2);
    assertThat(registry.get("acclimate.accuracy").tag("answer", "adapted").gauge().value())
        .isEqualTo(0);
    assertThat(registry.get("acclimate.accuracy").tag("answer", "frozen").gauge().value())
        .isEqualTo(1);
    feedback.close();
    assertThat(registry.getMeters()).isEmpty();
    opened.clear();
  }

  /** Real clients whose consumers fail at every fifth poll, and once when opened. */
  private static final class FaultyClients implements FeedbackClients {
    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger polls = new AtomicInteger();

    @Override
    public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
      if (opened.incrementAndGet() == 1) {
        throw new KafkaException("injected: no consumer");
      }
      return watched(FeedbackClients.real().openConsumer(config), this::called);
    }

    private void called(String method) {
      int poll = method.equals("poll") ? polls.incrementAndGet() : 0;
      if (poll > 0 && poll % 5 == 0) {
        throw poll % 2 == 0
            ? new TimeoutException("injected: worth trying again")
            : new KafkaException("injected: the consumer is broken");
      }
      if (method.equals("commitSync")) {
        throw new TimeoutException("injected: no commit");
      }
    }

    @Override
    public Producer<byte[], byte[]> openProducer(StreamConfig config) {
      return FeedbackClients.real().openProducer(config);
    }
  }

  /** A consumer whose calls are told of beforehand. */
  @SuppressWarnings("unchecked")
  private static Consumer<byte[], byte[]> watched(
      Consumer<byte[], byte[]> real, java.util.function.Consumer<String> watcher) {
    return (Consumer<byte[], byte[]>)
        Proxy.newProxyInstance(
            FeedbackTest.class.getClassLoader(),
            new Class<?>[] {Consumer.class},
            (proxy, method, arguments) -> {
              watcher.accept(method.getName());
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void readsEveryLabelOnceThoughItsConsumersFail() {
    createTopics(1, 1);
    FaultyClients clients = new FaultyClients();
    Feedback feedback = open(clients);
    feedback.owned(List.of(0));
    String[] ids = IntStream.range(0, 24).mapToObj(i -> "" + i).toArray(String[]::new);
    answer(feedback, ids);
    for (int i = 0; i < ids.length; i++) {
      label(0, ids[i], 1);
      awaitJoined(i + 1);
    }

    assertThat(count("acclimate.labels.duplicate")).isZero();
    assertThat(clients.opened).hasValueGreaterThan(2);
  }

  @Test
  void waitsForTopicsThatAreNotThereYet() {
    AtomicInteger lookups = new AtomicInteger();
    Feedback feedback =
        open(
            new FeedbackClients() {
              @Override
              public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
                return watched(
                    FeedbackClients.real().openConsumer(config),
                    method -> lookups.addAndGet(method.equals("partitionsFor") ? 1 : 0));
              }

              @Override
              public Producer<byte[], byte[]> openProducer(StreamConfig config) {
                return FeedbackClients.real().openProducer(config);
              }
            });
    feedback.owned(List.of(0));
    answer(feedback, "a");
    // it asks a second time only when it was told the first time that there is none
    await().until(() -> lookups.get() >= 2);
    createTopics(1, 1);
    label(0, "a", 1);

    awaitJoined(1);
  }

  @Test
  void stopsThoughNoBrokerAnswers() {
    StreamConfig nowhere = configOf("127.0.0.1:1");
    assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          try (Feedback feedback =
              Feedback.open(nowhere, ALL, registry, new FoldingModel().outputs(), null)) {
            feedback.owned(List.of(0));
            answer(feedback, "a");
            Thread.sleep(300); // well into its first call
          }
        });
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .doesNotContain("acclimate-feedback-" + name);
  }

  @Test
  void refusesModelsWithoutClassScores() {
    assertThatThrownBy(() -> Feedback.open(config, ALL, registry, List.of(), null))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("class scores");
    assertThat(registry.getMeters()).isEmpty();
  }
}
