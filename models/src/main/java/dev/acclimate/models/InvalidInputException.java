package dev.acclimate.models;

/**
 * Input that a user can put right: the message says which file or field, what was expected and what
 * was found.
 */
public class InvalidInputException extends IllegalArgumentException {
  public InvalidInputException(String message) {
    super(message);
  }

  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
