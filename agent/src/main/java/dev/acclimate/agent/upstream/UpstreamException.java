package dev.acclimate.agent.upstream;

/** The server gave no answer; the message says why, for the client. */
public final class UpstreamException extends RuntimeException {

  /** What went wrong. */
  public enum Kind {
    /** No connection to it, or one that broke before the answer was there. */
    UNREACHABLE,
    /** No answer in time. */
    LATE,
    /** More requests wait for a connection than may. */
    BUSY
  }

  private final Kind kind;

  UpstreamException(Kind kind, String message) {
    super(message, null, false, false); // an outage causes many of these
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
