package dev.acclimate.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Files that readers see with their old content or the new, never a part of it. */
public final class WholeFile {

  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Content {
    /** Writes it to a file that may hold other content yet. */
    void writeTo(Path file) throws IOException;
  }

  private WholeFile() {}

  /**
   * Writes a file beside its place and moves it there, however the program ends.
   *
   * @throws InvalidInputException when it cannot be written
   */
  public static void write(Path file, Content content) {
    try {
      Path partial = file.resolveSibling(file.getFileName() + ".partial");
      content.writeTo(partial);
      Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw InvalidInputException.unwritable(file, e);
    }
  }
}
