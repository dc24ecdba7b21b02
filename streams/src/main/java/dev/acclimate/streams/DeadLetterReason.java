package dev.acclimate.streams;

/**
 * Why a record went to the dead-letter topic, as a closed family: the tag is the {@code reason} of
 * the {@code acclimate.records.dead} counter and opens the text in the {@code acclimate-reason}
 * header.
 */
public enum DeadLetterReason {
  TOMBSTONE("tombstone"),
  TOO_LARGE("too-large"),
  MALFORMED("malformed"),
  TRUNCATED("truncated"),
  MISSING_INPUT("missing-input"),
  UNKNOWN_INPUT("unknown-input"),
  UNKNOWN_OUTPUT("unknown-output"),
  WRONG_SHAPE("wrong-shape"),
  WRONG_DATATYPE("wrong-datatype"),
  UNSUPPORTED_DATATYPE("unsupported-datatype"),
  WRONG_COUNT("wrong-count"),
  NOT_FINITE("not-finite"),
  MODEL_FAILURE("model-failure"),
  RESPONSE("response"),
  /** Feedback that cannot be read; counted by {@code acclimate.labels.malformed}. */
  MALFORMED_LABEL("malformed-label");

  private final String tag;

  DeadLetterReason(String tag) {
    this.tag = tag;
  }

  public String tag() {
    return tag;
  }
}
