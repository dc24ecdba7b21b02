package dev.acclimate.streams;

/** The request holds more samples than the batch has room for. */
final class NoRoomException extends Exception {
  NoRoomException() {
    super("", null, false, false);
  }
}
