package dev.acclimate.simulate.arrivals;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.TemporalAccessor;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.LongStream;

/**
 * Arrivals as they were recorded. The first one of the trace comes at once; after the last one it
 * starts again, the trace's mean wait later.
 */
public final class TraceArrivals implements Arrivals {
  /** Digits before the point of seconds that fit 64 bits as nanoseconds, and behind it. */
  private static final int MOST_DIGITS = 10;

  private static final int MOST_DECIMALS = 30;

  private final Path file;
  private final double[] waits;

  private TraceArrivals(Path file, double[] waits) {
    this.file = file;
    this.waits = waits;
  }

  /**
   * Reads a trace: a timestamp a line, in seconds or as ISO-8601 date and time (without an offset,
   * UTC), none earlier than the one before. Blank lines are skipped.
   *
   * @throws InvalidInputException if the file can not be read, has less than two timestamps, or a
   *     line is none or earlier than the one before; the message names the line
   */
  public static TraceArrivals read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": no such file", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read as text: " + e.getMessage(), e);
    }
    LongStream.Builder times = LongStream.builder();
    long last = Long.MIN_VALUE;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty()) {
        String where = file + ": line " + (i + 1);
        long time = nanos(where, line);
        if (time < last) {
          throw new InvalidInputException(
              "%s: expected no time before that of the line above, found \"%s\""
                  .formatted(where, line));
        }
        times.add(time);
        last = time;
      }
    }
    return new TraceArrivals(file, waits(file, times.build().toArray()));
  }

  private static double[] waits(Path file, long[] times) {
    if (times.length < 2) {
      throw new InvalidInputException(
          file + ": expected at least two timestamps, a line each, found " + times.length);
    }
    double[] waits = new double[times.length];
    waits[0] = (times[times.length - 1] - times[0]) / 1e9 / (times.length - 1);
    for (int i = 1; i < times.length; i++) {
      waits[i] = (times[i] - times[i - 1]) / 1e9;
    }
    return waits;
  }

  private static long nanos(String where, String text) {
    try {
      BigDecimal seconds = new BigDecimal(text);
      if (seconds.precision() - seconds.scale() <= MOST_DIGITS
          && seconds.scale() <= MOST_DECIMALS) {
        return seconds.movePointRight(9).setScale(0, RoundingMode.HALF_EVEN).longValueExact();
      }
    } catch (NumberFormatException e) {
      try {
        return nanos(
            DateTimeFormatter.ISO_DATE_TIME.parseBest(
                text, OffsetDateTime::from, LocalDateTime::from));
      } catch (DateTimeException | ArithmeticException no) {
        // said below
      }
    } catch (ArithmeticException e) {
      // said below
    }
    throw new InvalidInputException(
        "%s: expected seconds, or a time such as 2024-05-01T12:00:00.5Z, found \"%s\""
            .formatted(where, shortened(text)));
  }

  private static long nanos(TemporalAccessor time) {
    Instant instant =
        time instanceof OffsetDateTime offset
            ? offset.toInstant()
            : LocalDateTime.from(time).toInstant(ZoneOffset.UTC);
    return Math.addExact(
        Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L), instant.getNano());
  }

  private static String shortened(String text) {
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }

  /** How many arrivals it has. */
  public int size() {
    return waits.length;
  }

  @Override
  public DoubleSupplier waits(long seed) {
    return new DoubleSupplier() {
      private long count;

      @Override
      public double getAsDouble() {
        long index = count++;
        return index == 0 ? 0 : waits[(int) (index % waits.length)];
      }
    };
  }

  @Override
  public String toString() {
    return "trace:" + file;
  }
}
