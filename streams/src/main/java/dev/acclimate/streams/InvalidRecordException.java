package dev.acclimate.streams;

/**
 * A record that cannot be answered. The message names the field, what was expected there and what
 * was found, for whoever reads the dead-letter topic.
 */
public final class InvalidRecordException extends Exception {
  private final DeadLetterReason reason;

  public InvalidRecordException(DeadLetterReason reason, String message) {
    // a poison record is an everyday event: no stack trace, which costs more than the decoding
    super(message, null, false, false);
    this.reason = reason;
  }

  public DeadLetterReason reason() {
    return reason;
  }
}
