package dev.acclimate.agent.demo;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.streams.BatchModel;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamHealth;
import dev.acclimate.streams.StreamProcessor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;

/** One method at work: the model adapted for it, and the stream processor that answers with it. */
final class Contestant implements AutoCloseable {
  private final AdaptiveModel model;
  private final StreamConfig config;
  private final MeterRegistry registry;
  private final StreamProcessor processor;

  private Contestant(AdaptiveModel model, StreamConfig config, MeterRegistry registry) {
    this.model = model;
    this.config = config;
    this.registry = registry;
    this.processor = StreamProcessor.create(config, BatchModel.of(model), registry);
  }

  static Contestant start(
      Entrant entrant,
      OnnxModel source,
      long seed,
      @Nullable Calibration calibration,
      SessionSettings session,
      StreamConfig config,
      MeterRegistry registry) {
    AdaptedModel adapted = AdaptedModel.adapt(source, entrant.method());
    AdaptiveModel model =
        AdaptiveModel.open(
            adapted,
            adapted.initialState(seed, calibration),
            session.forBatchesOf(config.batching().max()));
    try {
      Contestant contestant = new Contestant(model, config, registry);
      contestant.processor.start();
      return contestant;
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  StreamConfig.Topics topics() {
    return config.topics();
  }

  StreamHealth health() {
    return processor.health();
  }

  /** Batches that were answered without moving the state. */
  long rejectedSteps() {
    Counter counter =
        registry.find("acclimate.steps.rejected").tag("group", config.group()).counter();
    return counter == null ? 0 : (long) counter.count();
  }

  /** Asks the processor to stop, so that several can do so at a time. */
  void stop() {
    var unused = processor.stop();
  }

  @Override
  public void close() {
    processor.close();
    model.close();
  }
}
