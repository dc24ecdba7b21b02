package dev.acclimate.streams;

import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.guard.GuardNews;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.streams.journal.JournalKey;
import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Tells people and meters what guards did, once it is committed. Where every stream has a guard of
 * its own, people hear of one event of a kind in a minute.
 */
final class GuardReports implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GuardReports.class);

  private final MeterRegistry registry;
  private final boolean byStream;
  private final GuardNews news;
  private @Nullable GuardMeters meters;

  GuardReports(MeterRegistry registry, StreamConfig config, GuardPolicy policy) {
    this.registry = registry;
    this.byStream = config.states().scope() == Scope.STREAM;
    this.news = byStream ? GuardNews.ofMany() : new GuardNews();
    follow(config.modelName(), policy);
  }

  /** What comes is told of a model of that name. */
  void follow(String model, GuardPolicy policy) {
    close();
    meters = policy.watches() ? new GuardMeters(registry, model) : null;
  }

  /** The guard over the state that a batch was of did something. */
  void tell(MicroBatch batch, GuardEvent event) {
    if (meters != null) {
      meters.count(event);
    }
    String lane = batch.lane().id();
    String whose = byStream ? lane + ", stream " + JournalKey.display(batch.stream()) : lane;
    Level level = event.kind() == GuardEvent.Kind.TRUSTED ? Level.INFO : Level.WARN;
    news.of(event).ifPresent(text -> log.atLevel(level).log("{}: guard: {}", whose, text));
  }

  @Override
  public void close() {
    if (meters != null) {
      meters.close();
    }
  }
}
