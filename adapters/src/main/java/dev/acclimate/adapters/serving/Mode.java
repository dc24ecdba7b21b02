package dev.acclimate.adapters.serving;

import dev.acclimate.models.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * Whose answers go out, the frozen model's or the adapted one's.
 *
 * @param kind how it is settled
 * @param percent of the streams that get adapted answers, 0 to 100; 0 in {@code off} and {@code
 *     shadow}, 100 in {@code active}
 */
public record Mode(Kind kind, double percent) {
  /** The frozen model alone; nothing adapts. */
  public static final Mode OFF = new Mode(Kind.OFF, 0);

  /** The frozen model answers, the other adapts beside it. */
  public static final Mode SHADOW = new Mode(Kind.SHADOW, 0);

  /** The adapted model answers. */
  public static final Mode ACTIVE = new Mode(Kind.ACTIVE, 100);

  private static final Pattern CANARY =
      Pattern.compile("canary\\s*:\\s*(\\d{1,3}(?:\\.\\d{1,6})?)\\s*%");

  /** Spreads a stream's checksum over all 64 bits: 2^64 over the golden ratio. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  /** How it is settled whose answers go out. */
  public enum Kind {
    OFF,
    SHADOW,
    /** Adapted answers for some streams, the same ones always; it adapts to all of them. */
    CANARY,
    ACTIVE
  }

  public Mode {
    if (!(percent >= 0 && percent <= 100)) { // NaN too
      throw new InvalidInputException("mode: expected a canary of 0% to 100%, found " + percent);
    }
  }

  /** Adapted answers for a part of the streams. */
  public static Mode canary(double percent) {
    return new Mode(Kind.CANARY, percent);
  }

  /**
   * Reads {@code off}, {@code shadow}, {@code canary:10%} or {@code active}.
   *
   * @throws InvalidInputException when the text is none of them
   */
  public static Mode parse(String text) {
    Matcher canary = CANARY.matcher(text.strip());
    if (canary.matches()) {
      return canary(Double.parseDouble(canary.group(1)));
    }
    return switch (text.strip()) {
      case "off" -> OFF;
      case "shadow" -> SHADOW;
      case "active" -> ACTIVE;
      default ->
          throw new InvalidInputException(
              "mode: expected off, shadow, canary:P% (P from 0 to 100) or active, found '"
                  + text
                  + "'");
    };
  }

  /** False where nothing adapts. */
  public boolean adapts() {
    return kind != Kind.OFF;
  }

  /**
   * Whether a stream gets adapted answers. What a percentage lets in, a higher one lets in too, and
   * so does every instance of a service.
   */
  public boolean answersAdapted(String stream) {
    return switch (kind) {
      case OFF, SHADOW -> false;
      case ACTIVE -> true;
      case CANARY -> place(stream) < percent / 100;
    };
  }

  /** A stream's place between 0 and 1. */
  private static double place(String stream) {
    CRC32 sum = new CRC32();
    sum.update(stream.getBytes(StandardCharsets.UTF_8));
    return ((sum.getValue() * SPREAD) >>> 11) * 0x1p-53;
  }

  /** What {@link #parse} reads. */
  @Override
  public String toString() {
    String name = kind.name().toLowerCase(Locale.ROOT);
    if (kind != Kind.CANARY) {
      return name;
    }
    String number =
        percent == Math.rint(percent) ? Long.toString((long) percent) : Double.toString(percent);
    return name + ":" + number + "%";
  }
}
