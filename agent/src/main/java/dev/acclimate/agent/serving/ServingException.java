package dev.acclimate.agent.serving;

/** A request that is not answered; the message says why, for whoever sent it. */
public final class ServingException extends RuntimeException {

  /** What kind of refusal it is. */
  public enum Kind {
    /** The request cannot be understood or does not fit the model. */
    INVALID(400),
    /** There is no such model, version or path. */
    NOT_FOUND(404),
    /** The body did not arrive in time. */
    SLOW(408),
    /** The request is larger than requests may be. */
    TOO_LARGE(413),
    /** The body is of a kind that is not read. */
    MEDIA(415),
    /** The model failed. */
    FAILED(500),
    /** The server behind this one cannot be reached, or failed. */
    UPSTREAM(502),
    /** There is more to do than can be done now; later it may go. */
    BUSY(503),
    /** The model is not loaded, or the server stops. */
    UNAVAILABLE(503),
    /** The answer would have come too late. */
    LATE(504),
    /** The request has been here before. */
    LOOP(508);

    private final int status;

    Kind(int status) {
      this.status = status;
    }

    /** The HTTP status code. */
    public int status() {
      return status;
    }
  }

  private final Kind kind;

  public ServingException(Kind kind, String message) {
    // clients cause these: no stack trace, which under overload costs more than the answer
    super(message, null, false, false);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
