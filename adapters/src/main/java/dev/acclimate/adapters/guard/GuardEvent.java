package dev.acclimate.adapters.guard;

import java.util.Locale;

/**
 * Something that a {@link Guard} did, and why.
 *
 * @param batch the number of the batch it happened at, from 1
 * @param kind what it did
 * @param signal what it saw
 * @param value of the signal
 * @param threshold that the value crossed
 */
public record GuardEvent(long batch, Kind kind, Signal signal, double value, double threshold) {

  /** What a guard does. */
  public enum Kind {
    /** One batch is answered frozen, and the frozen model is asked until all is well. */
    WARNED,
    /** The state takes nothing in for now. */
    HELD,
    /** The state went back to the last good one. */
    ROLLED_BACK,
    /** The frozen model answers from now on. */
    FELL_BACK,
    /** The adapted model answers again, or for the first time. */
    TRUSTED
  }

  /** What a guard sees. */
  public enum Signal {
    /** Expected part of the samples that adapted answers put right, less that they put wrong. */
    EXPECTED_GAIN("expected gain over frozen"),
    /** Effective classes of the adapted answers over those of the frozen ones. */
    DIVERSITY("effective classes, adapted over frozen"),
    /** Part of the batch that teaches nothing. */
    BLANK_INPUTS("part of the inputs that repeat or are blank"),
    /** Log odds, from labels, that adapted answers are worse. */
    LABELLED_HARM("evidence of harm from labels"),
    /** Log odds, from labels, that adapted answers are better. */
    LABELLED_GAIN("evidence of gain from labels");

    private final String text;

    Signal(String text) {
      this.text = text;
    }
  }

  /** The same in a line, for people. */
  public String text() {
    String what =
        switch (kind) {
          case WARNED -> "this batch is answered frozen";
          case HELD -> "updates are held";
          case ROLLED_BACK -> "the state is rolled back to the last good one";
          case FELL_BACK -> "the frozen model answers";
          case TRUSTED -> "the adapted model answers";
        };
    return "batch %d: %s: %s is %.4f, threshold %.4f"
        .formatted(batch, what, signal.text, value, threshold);
  }

  /** Its kind as metrics call it, such as {@code fell_back}. */
  public String id() {
    return id(kind);
  }

  /** A kind as metrics call it. */
  public static String id(Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }
}
