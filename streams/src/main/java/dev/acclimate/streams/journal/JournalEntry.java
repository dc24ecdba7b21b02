package dev.acclimate.streams.journal;

/**
 * A value of the journal, put together from its chunks.
 *
 * @param key what it is about
 * @param offset where its first chunk lies
 * @param timestamp when it was written, milliseconds since 1970
 * @param value its bytes
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, neither copied nor compared
public record JournalEntry(JournalKey key, long offset, long timestamp, byte[] value) {

  public Checkpoint checkpoint() {
    return Checkpoint.parse(value);
  }

  public BatchBoundary boundary() {
    return BatchBoundary.parse(value);
  }
}
