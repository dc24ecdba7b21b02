package dev.acclimate.models;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

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

  /** A file that cannot be written, and why. */
  public static InvalidInputException unwritable(Path file, IOException e) {
    String reason = e.toString();
    if (e instanceof NoSuchFileException) {
      reason = "its folder does not exist";
    } else if (e instanceof AccessDeniedException) {
      reason = "permission denied";
    } else if (e instanceof FileSystemException failure && failure.getReason() != null) {
      reason = failure.getReason();
    }
    return new InvalidInputException(file + ": cannot be written: " + reason, e);
  }

  /** Messages quote names from files, which may hold anything, terminal commands among it. */
  private static String oneLine(String message) {
    return message.replaceAll("[\\p{Cc}\\v]+", " ");
  }
}
