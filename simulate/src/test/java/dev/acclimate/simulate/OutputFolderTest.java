package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFolderTest {
  @TempDir Path directory;

  @Test
  void makesTheFolderAndReplacesWhatIsThere() throws IOException {
    Path folder = directory.resolve("a/b");

    OutputFolder.open(folder).write("x.txt", "old and long");
    OutputFolder.open(folder).write("x.txt", "new");

    assertThat(folder.resolve("x.txt")).hasContent("new");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("x.txt"));
    }
  }

  @Test
  void refusesAFileAndWhatLiesBelowOne() throws IOException {
    Path file = Files.writeString(directory.resolve("results"), "x");

    assertThatThrownBy(() -> OutputFolder.open(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": expected a folder, found a file");
    assertThatThrownBy(() -> OutputFolder.open(file.resolve("below")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("cannot be written");
  }
}
