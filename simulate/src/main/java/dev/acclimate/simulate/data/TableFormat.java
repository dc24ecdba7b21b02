package dev.acclimate.simulate.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** A form of tables in files. */
enum TableFormat {
  /** Text with commas, gzipped or not. */
  CSV,
  /** Apache Parquet. */
  PARQUET;

  /** The name in {@code --data}. */
  String scheme() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** How files in this form are called. */
  List<String> endings() {
    return switch (this) {
      case CSV -> List.of(".csv", ".csv.gz");
      case PARQUET -> List.of(".parquet");
    };
  }

  /** Whether a file in a folder is in this form. */
  boolean takes(String fileName) {
    String lower = fileName.toLowerCase(Locale.ROOT);
    return endings().stream().anyMatch(lower::endsWith);
  }

  /** A file of this form, whatever it is called; not read yet. */
  TableFile open(Path file) {
    return switch (this) {
      case CSV -> new CsvFile(file);
      case PARQUET -> new ParquetFile(file);
    };
  }
}
