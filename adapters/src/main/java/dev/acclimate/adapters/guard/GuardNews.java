package dev.acclimate.adapters.guard;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Picks what people are to be told of a guard's events: all that changes who answers or what is
 * learnt, which {@link Guard} bounds by its hysteresis; of warnings and short holds, which may come
 * with every other batch, one a minute of each kind, with the number of those before it. Not
 * thread-safe.
 */
public final class GuardNews {
  private static final long PERIOD_NANOS = Duration.ofMinutes(1).toNanos();

  private final LongSupplier nanoTime;
  private final boolean ofMany;
  private final Map<GuardEvent.Kind, Repeated> repeated = new EnumMap<>(GuardEvent.Kind.class);

  private static final class Repeated {
    private long told;
    private long untold;
  }

  public GuardNews() {
    this(System::nanoTime, false);
  }

  /** For the guards of so many streams that each kind is bounded as warnings are. */
  public static GuardNews ofMany() {
    return new GuardNews(System::nanoTime, true);
  }

  GuardNews(LongSupplier nanoTime, boolean ofMany) {
    this.nanoTime = nanoTime;
    this.ofMany = ofMany;
  }

  /** A line about an event; empty where it is no news. */
  public Optional<String> of(GuardEvent event) {
    boolean frequent =
        ofMany || event.kind() == GuardEvent.Kind.WARNED || event.kind() == GuardEvent.Kind.HELD;
    if (!frequent) {
      return Optional.of(event.text());
    }
    long now = nanoTime.getAsLong();
    Repeated before = repeated.get(event.kind());
    if (before == null) {
      before = new Repeated();
      repeated.put(event.kind(), before);
    } else if (now - before.told < PERIOD_NANOS) {
      before.untold++;
      return Optional.empty();
    }
    String text =
        before.untold == 0
            ? event.text()
            : event.text() + " (and " + before.untold + " more like it since the last line)";
    before.told = now;
    before.untold = 0;
    return Optional.of(text);
  }
}
