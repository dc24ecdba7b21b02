package dev.acclimate.streams;

/**
 * How a {@link StreamProcessor} is doing.
 *
 * @param status the phase it is in
 * @param partitions how many partitions of the topic in it holds
 * @param detail what it waits for or died of; empty when there is nothing to say
 */
public record StreamHealth(Status status, int partitions, String detail) {

  /** The phases of a processor's life. */
  public enum Status {
    /** Not started, or not yet connected. */
    STARTING,
    /** Polling and answering. */
    RUNNING,
    /** Rolled back after an error, about to try again. */
    RECOVERING,
    /** Finishing the batch in hand. */
    STOPPING,
    /** Stopped because it was asked to. */
    STOPPED,
    /** Stopped by an error that trying again does not mend. */
    FAILED
  }

  /** True when records that arrive now will be answered. */
  public boolean ready() {
    return status == Status.RUNNING && partitions > 0;
  }
}
