package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One array in NumPy's .npy format, versions 1 to 3 (NEP 1 and its amendments): magic, version,
 * header length, a header that reads like a Python dict, then the raw values. C order only.
 */
final class NpyArray {

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([^)]*)\\)");
  private static final int MAX_HEADER = 1 << 20;

  private final String descr;
  private final long[] shape;
  private final long valuesAt;
  private final InputStream values;
  private final String where;

  private NpyArray(String descr, long[] shape, long valuesAt, InputStream values, String where) {
    this.descr = descr;
    this.shape = shape;
    this.valuesAt = valuesAt;
    this.values = values;
    this.where = where;
  }

  /**
   * Reads the header; the values follow by {@link #next}.
   *
   * @param in stays open and belongs to the caller
   * @param where file and entry, for messages
   * @throws InvalidInputException if this is no .npy array, or one in an order or version not known
   */
  static NpyArray open(InputStream in, String where) throws IOException {
    DataInputStream data = new DataInputStream(in);
    byte[] magic = data.readNBytes(MAGIC.length);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new InvalidInputException(where + ": expected a NumPy array, found other bytes");
    }
    int major = data.readUnsignedByte();
    data.readUnsignedByte();
    if (major < 1 || major > 3) {
      throw new InvalidInputException(
          "%s: expected .npy version 1, 2 or 3, found %d".formatted(where, major));
    }
    long length =
        major == 1
            ? Short.toUnsignedInt(Short.reverseBytes(data.readShort()))
            : Integer.toUnsignedLong(Integer.reverseBytes(data.readInt()));
    if (length > MAX_HEADER) {
      throw new InvalidInputException(
          "%s: expected a header of at most %,d bytes, found %,d"
              .formatted(where, MAX_HEADER, length));
    }
    byte[] bytes = new byte[(int) length];
    data.readFully(bytes);
    String header =
        new String(bytes, major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
    if (field(FORTRAN, header, where).equals("True")) {
      throw new InvalidInputException(
          where + ": expected C order, found Fortran order (save numpy.ascontiguousarray(...))");
    }
    return new NpyArray(
        field(DESCR, header, where),
        dimensions(field(SHAPE, header, where), where),
        MAGIC.length + 2 + (major == 1 ? Short.BYTES : Integer.BYTES) + length,
        in,
        where);
  }

  private static String field(Pattern pattern, String header, String where) {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw new InvalidInputException(
          "%s: expected descr, fortran_order and shape in the header, found %s"
              .formatted(where, header.strip()));
    }
    return matcher.group(1);
  }

  private static long[] dimensions(String text, String where) {
    try {
      return Arrays.stream(text.split(",", -1))
          .map(String::strip)
          .filter(part -> !part.isEmpty())
          .mapToLong(Long::parseUnsignedLong)
          .toArray();
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          "%s: expected a shape of whole numbers, found (%s)".formatted(where, text), e);
    }
  }

  /** NumPy's name of the element type and its byte order, for example {@code <f4}. */
  String descr() {
    return descr;
  }

  /** NumPy's name of the element type in whatever byte order, for example {@code f4}. */
  String type() {
    return descr.replaceFirst("^[<>|=]", "");
  }

  long[] shape() {
    return shape.clone();
  }

  /** Where the values begin, in bytes from the start. */
  long valuesAt() {
    return valuesAt;
  }

  /** File and entry, for messages. */
  String where() {
    return where;
  }

  /**
   * The next {@code count} bytes of values, in a buffer of their byte order.
   *
   * @throws InvalidInputException if the file ends before them
   */
  ByteBuffer next(int count) throws IOException {
    byte[] bytes = values.readNBytes(count);
    if (bytes.length < count) {
      throw new InvalidInputException(
          "%s: expected values for shape %s, found the end of the file before them"
              .formatted(where, Arrays.toString(shape)));
    }
    ByteOrder order = descr.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    return ByteBuffer.wrap(bytes).order(order);
  }
}
