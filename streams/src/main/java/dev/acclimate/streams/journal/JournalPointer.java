package dev.acclimate.streams.journal;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What lies with a committed offset: the way into the journal. It commits in one transaction with
 * the offset, so it never points to what was rolled back.
 *
 * @param sequence number of batches committed in the lane
 * @param checkpoint the journal offset of the latest checkpoint, -1 without a journal
 */
public record JournalPointer(long sequence, long checkpoint) {
  private static final Pattern SYNTAX =
      Pattern.compile("acclimate/1 sequence=(\\d{1,18}) checkpoint=(-1|\\d{1,18})");

  /** The text for the offset's metadata. */
  public String text() {
    return "acclimate/1 sequence=" + sequence + " checkpoint=" + checkpoint;
  }

  /** True when it was committed after the other one. */
  public boolean isAfter(JournalPointer other) {
    return sequence > other.sequence
        || (sequence == other.sequence && checkpoint > other.checkpoint);
  }

  /** Reads an offset's metadata, empty where it is not ours. */
  public static Optional<JournalPointer> parse(String metadata) {
    Matcher matcher = SYNTAX.matcher(metadata);
    return matcher.matches()
        ? Optional.of(
            new JournalPointer(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2))))
        : Optional.empty();
  }
}
