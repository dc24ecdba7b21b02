package dev.acclimate.models;

/**
 * Input that a user can put right: the message says which file or field, what was expected and what
 * was found, in one line.
 */
public class InvalidInputException extends IllegalArgumentException {
  public InvalidInputException(String message) {
    super(oneLine(message));
  }

  public InvalidInputException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  /** Messages quote names from files, which may hold anything, terminal commands among it. */
  private static String oneLine(String message) {
    return message.replaceAll("[\\p{Cc}\\v]+", " ");
  }
}
