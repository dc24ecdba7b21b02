package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.EnumLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.Float16LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveStringifier;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** Hands the cell that a reader stands at to a column. */
@FunctionalInterface
interface ParquetCell {

  /** Hands it on. */
  void add(ColumnReader reader, TableColumn column, TableFile file, long row);

  /**
   * How cells of some type are read.
   *
   * @param numeric whether they are numbers
   */
  record Kind(boolean numeric, ParquetCell cell) {}

  /** Whether a field is a column of numbers. */
  static boolean numeric(Type field) {
    Kind kind = of(field);
    return kind != null && kind.numeric();
  }

  /**
   * How a field's cells are read.
   *
   * @throws InvalidInputException if they are neither numbers nor text nor booleans, or more than
   *     one a row
   */
  static Kind require(Type field, Path file) {
    Kind kind = of(field);
    if (kind == null) {
      throw new InvalidInputException(
          "%s: %s: expected a column of numbers or text, found %s"
              .formatted(
                  file,
                  field.getName(),
                  field.isPrimitive() ? field.toString() : "a nested one (group)"));
    }
    return kind;
  }

  private static @Nullable Kind of(Type field) {
    if (!field.isPrimitive() || field.isRepetition(Type.Repetition.REPEATED)) {
      return null;
    }
    PrimitiveType type = field.asPrimitiveType();
    LogicalTypeAnnotation meaning = type.getLogicalTypeAnnotation();
    if (meaning instanceof DecimalLogicalTypeAnnotation) {
      return decimal(type);
    }
    return switch (type.getPrimitiveTypeName()) {
      case FLOAT -> number((reader, column, file, row) -> column.add(reader.getFloat(), file, row));
      case DOUBLE ->
          number((reader, column, file, row) -> column.add(reader.getDouble(), file, row));
      case INT32 -> int32(meaning);
      case INT64 -> int64(meaning);
      case BOOLEAN ->
          name(
              (reader, column, file, row) ->
                  column.add(Boolean.toString(reader.getBoolean()), file, row));
      case BINARY ->
          meaning instanceof StringLogicalTypeAnnotation
                  || meaning instanceof EnumLogicalTypeAnnotation
              ? name(
                  (reader, column, file, row) ->
                      column.add(reader.getBinary().toStringUsingUTF8(), file, row))
              : null;
      case FIXED_LEN_BYTE_ARRAY ->
          meaning instanceof Float16LogicalTypeAnnotation
              ? number(binary(type.stringifier()))
              : null;
      case INT96 -> null;
    };
  }

  private static @Nullable Kind int32(@Nullable LogicalTypeAnnotation meaning) {
    if (unsigned(meaning)) {
      return number(
          (reader, column, file, row) ->
              column.add(Integer.toUnsignedLong(reader.getInteger()), file, row));
    }
    // else a date or a time
    return meaning == null || meaning instanceof IntLogicalTypeAnnotation
        ? number((reader, column, file, row) -> column.add((long) reader.getInteger(), file, row))
        : null;
  }

  private static @Nullable Kind int64(@Nullable LogicalTypeAnnotation meaning) {
    if (unsigned(meaning)) {
      return number(
          (reader, column, file, row) ->
              column.add(Long.toUnsignedString(reader.getLong()), file, row));
    }
    return meaning == null || meaning instanceof IntLogicalTypeAnnotation
        ? number((reader, column, file, row) -> column.add(reader.getLong(), file, row))
        : null;
  }

  private static boolean unsigned(@Nullable LogicalTypeAnnotation meaning) {
    return meaning instanceof IntLogicalTypeAnnotation integer && !integer.isSigned();
  }

  private static Kind decimal(PrimitiveType type) {
    PrimitiveStringifier text = type.stringifier();
    return number(
        switch (type.getPrimitiveTypeName()) {
          case INT32 ->
              (reader, column, file, row) ->
                  column.add(text.stringify(reader.getInteger()), file, row);
          case INT64 ->
              (reader, column, file, row) ->
                  column.add(text.stringify(reader.getLong()), file, row);
          default -> binary(text);
        });
  }

  private static ParquetCell binary(PrimitiveStringifier text) {
    return (reader, column, file, row) -> column.add(text.stringify(reader.getBinary()), file, row);
  }

  private static Kind number(ParquetCell cell) {
    return new Kind(true, cell);
  }

  private static Kind name(ParquetCell cell) {
    return new Kind(false, cell);
  }
}
