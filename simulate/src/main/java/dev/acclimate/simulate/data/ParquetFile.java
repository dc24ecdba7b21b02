package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ParquetCell.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * An Apache Parquet file, read one column at a time without making rows of it. A column is numeric
 * where its type is: integers, floats and decimals, but neither dates nor booleans.
 */
final class ParquetFile extends TableFile {

  ParquetFile(Path file) {
    super(file);
  }

  @Override
  String row() {
    return "row";
  }

  @Override
  List<Heading> readHeadings() {
    return reading(reader -> headings(schema(reader)));
  }

  private List<Heading> headings(MessageType schema) {
    return schema.getFields().stream()
        .map(field -> new Heading(field.getName(), ParquetCell.numeric(field)))
        .toList();
  }

  private static MessageType schema(ParquetFileReader reader) {
    return reader.getFileMetaData().getSchema();
  }

  @Override
  void read(List<? extends TableColumn> columns) {
    int[] places = columns.stream().mapToInt(column -> indexOf(column.name())).toArray();
    reading(
        reader -> {
          // a column may serve twice, and its pages can be read once only
          Map<Type, List<TableColumn>> wanted = new LinkedHashMap<>();
          for (int i = 0; i < places.length; i++) {
            Type field = schema(reader).getType(places[i]);
            wanted.computeIfAbsent(field, unseen -> new ArrayList<>()).add(columns.get(i));
          }
          return read(reader, wanted);
        });
  }

  /** Gives back how many rows there are. */
  private long read(ParquetFileReader reader, Map<Type, List<TableColumn>> wanted)
      throws IOException {
    for (Type field : wanted.keySet()) {
      ParquetCell.require(field, path());
    }
    MessageType schema = new MessageType(schema(reader).getName(), List.copyOf(wanted.keySet()));
    reader.setRequestedSchema(schema);
    long rows = 0;
    for (PageReadStore group = reader.readNextRowGroup();
        group != null;
        group = reader.readNextRowGroup()) {
      long count = group.getRowCount();
      if (count < 1) {
        throw new IOException("expected rows in every row group, found %,d".formatted(count));
      }
      ColumnReadStoreImpl store =
          new ColumnReadStoreImpl(
              group,
              new GroupRecordConverter(schema).getRootConverter(),
              schema,
              reader.getFileMetaData().getCreatedBy());
      for (ColumnDescriptor column : schema.getColumns()) {
        List<TableColumn> takers = wanted.getOrDefault(column.getPrimitiveType(), List.of());
        append(store.getColumnReader(column), column, takers, rows + 1, count);
      }
      rows += count;
    }
    if (rows == 0) {
      throw new InvalidInputException(path() + ": expected rows, found none");
    }
    return rows;
  }

  private void append(
      ColumnReader reader,
      ColumnDescriptor column,
      List<TableColumn> takers,
      long first,
      long count) {
    Kind kind = ParquetCell.require(column.getPrimitiveType(), path());
    for (long row = first; row < first + count; row++) {
      if (reader.getCurrentDefinitionLevel() < column.getMaxDefinitionLevel()) {
        throw wrong(row, column.getPrimitiveType().getName(), "a value", "null");
      }
      for (TableColumn taker : takers) {
        kind.cell().add(reader, taker, this, row);
      }
      reader.consume();
    }
  }

  private interface Reading<T> {
    T from(ParquetFileReader reader) throws IOException;
  }

  private <T> T reading(Reading<T> reading) {
    if (!Files.isRegularFile(path())) {
      throw new InvalidInputException("parquet: no such file: " + path());
    }
    ParquetReadOptions options =
        ParquetReadOptions.builder(new PlainParquetConfiguration())
            .withCodecFactory(new ParquetCodecs(path()))
            .build();
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(path()), options)) {
      return reading.from(reader);
    } catch (InvalidInputException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // the library throws whatever a damaged file leads it to
      throw new InvalidInputException(
          path() + ": not a Parquet file, or a damaged one: " + reason(e), e);
    }
  }

  private static String reason(Exception e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = String.valueOf(cause.getMessage());
    return message
        .lines()
        .findFirst()
        .orElse("")
        .replaceFirst(".*LocalInputFile@\\w+ is ", "it is ");
  }
}
