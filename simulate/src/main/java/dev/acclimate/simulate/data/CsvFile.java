package dev.acclimate.simulate.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import dev.acclimate.models.InvalidInputException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * Text in UTF-8 with commas between cells, double quotes around those that hold commas, and a row
 * of names first (RFC 4180); gzipped where the name ends in {@code .gz}. Empty lines are left out.
 *
 * <p>A column is numeric where the cell of the first row is.
 */
final class CsvFile extends TableFile {

  CsvFile(Path file) {
    super(file);
  }

  @Override
  String row() {
    return "line";
  }

  @Override
  List<Heading> readHeadings() {
    return records(this::headings);
  }

  private List<Heading> headings(Iterator<CsvRecord> records) {
    if (!records.hasNext()) {
      throw new InvalidInputException(path() + ": expected a line of column names, found none");
    }
    CsvRecord names = records.next();
    if (!records.hasNext()) {
      throw new InvalidInputException(
          path() + ": expected rows below the column names, found none");
    }
    CsvRecord first = records.next();
    requireLength(first, names.getFieldCount());
    List<Heading> found = new ArrayList<>();
    for (int i = 0; i < names.getFieldCount(); i++) {
      found.add(new Heading(names.getField(i).strip(), NumberColumn.numeric(first.getField(i))));
    }
    return found;
  }

  @Override
  void read(List<? extends TableColumn> columns) {
    int length = headings().size();
    int[] places = columns.stream().mapToInt(column -> indexOf(column.name())).toArray();
    records(
        records -> {
          records.next();
          while (records.hasNext()) {
            CsvRecord row = records.next();
            requireLength(row, length);
            for (int i = 0; i < places.length; i++) {
              columns.get(i).add(row.getField(places[i]), this, row.getStartingLineNumber());
            }
            if (!records.hasNext()) {
              requireClosed(row);
            }
          }
          return length;
        });
  }

  private void requireLength(CsvRecord row, int expected) {
    if (row.getFieldCount() != expected) {
      throw new InvalidInputException(
          "%s: line %d: expected %d cells, as there are column names, found %d"
              .formatted(path(), row.getStartingLineNumber(), expected, row.getFieldCount()));
    }
  }

  /** A quote left open swallows all lines below, and the parser says nothing. */
  private void requireClosed(CsvRecord last) {
    if (last.getField(last.getFieldCount() - 1).indexOf('\n') >= 0) {
      throw new InvalidInputException(
          "%s: line %d: expected the file's last cell within one line, found a quote left open"
              .formatted(path(), last.getStartingLineNumber()));
    }
  }

  private interface Reading<T> {
    T from(Iterator<CsvRecord> records);
  }

  private <T> T records(Reading<T> reading) {
    if (!Files.isRegularFile(path())) {
      throw new InvalidInputException("csv: no such file: " + path());
    }
    try (InputStream raw = Files.newInputStream(path());
        InputStream in = path().toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw;
        CsvReader<CsvRecord> csv =
            // lengths are checked here, for a message that says more
            CsvReader.builder()
                .detectBomHeader(true)
                .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                .ofCsvRecord(in)) {
      return reading.from(csv.iterator());
    } catch (CsvParseException e) {
      throw new InvalidInputException(path() + ": no CSV: " + reason(e), e);
    } catch (IOException | UncheckedIOException e) {
      Throwable cause = e instanceof UncheckedIOException ? e.getCause() : e;
      throw new InvalidInputException(
          cause instanceof EOFException
              ? path() + ": ends too early"
              : path() + ": cannot be read: " + e.getMessage(),
          e);
    }
  }

  /** The parser wraps what it found in a sentence about where. */
  private static String reason(CsvParseException e) {
    Throwable cause = e.getCause();
    return e.getMessage() + (cause == null ? "" : ": " + cause.getMessage());
  }
}
