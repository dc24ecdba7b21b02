package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.WholeFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where results go. A file is there whole or not at all, however the program ends. */
public final class OutputFolder {
  private final Path folder;

  private OutputFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * Makes the folder and tries whether files can be made in it, so that a run of hours does not end
   * with nowhere to write to.
   *
   * @throws InvalidInputException when it cannot be made or written to
   */
  public static OutputFolder open(Path folder) {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new InvalidInputException(folder + ": expected a folder, found a file");
    }
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, ".", ".tmp"));
    } catch (IOException e) {
      throw InvalidInputException.unwritable(folder, e);
    }
    return new OutputFolder(folder);
  }

  /**
   * Writes a file, in place of one that is there.
   *
   * @throws InvalidInputException when it cannot be written
   */
  public void write(String name, String content) {
    WholeFile.write(
        folder.resolve(name), file -> Files.writeString(file, content, StandardCharsets.UTF_8));
  }

  @Override
  public String toString() {
    return folder.toString();
  }
}
