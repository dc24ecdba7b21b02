package dev.acclimate.simulate.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes small data files as other tools write them. */
public final class ImageFiles {

  private ImageFiles() {}

  /** A .npy array of the given version, its header filled up to 64 bytes as NumPy does. */
  public static byte[] npy(int version, String header, ByteBuffer values) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    int lengthBytes = version == 1 ? 2 : 4;
    int prefix = 8 + lengthBytes;
    int padded = (prefix + text.length + 1 + 63) / 64 * 64 - prefix;
    ByteBuffer file =
        ByteBuffer.allocate(prefix + padded + values.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    file.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    file.put((byte) version).put((byte) 0);
    if (version == 1) {
      file.putShort((short) padded);
    } else {
      file.putInt(padded);
    }
    file.put(text);
    for (int i = text.length; i < padded - 1; i++) {
      file.put((byte) ' ');
    }
    file.put((byte) '\n');
    file.put(values.duplicate());
    return file.array();
  }

  public static String header(String type, String shape) {
    return "{'descr': '%s', 'fortran_order': False, 'shape': %s, }".formatted(type, shape);
  }

  static ByteBuffer bytes(int count) {
    ByteBuffer buffer = ByteBuffer.allocate(count);
    for (int i = 0; i < count; i++) {
      buffer.put(i, (byte) i);
    }
    return buffer;
  }

  static ByteBuffer floats(float... values) {
    ByteBuffer buffer =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      buffer.putFloat(value);
    }
    return buffer.flip();
  }

  static ByteBuffer longs(long... values) {
    ByteBuffer buffer =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      buffer.putLong(value);
    }
    return buffer.flip();
  }

  static Path npz(Path file, Map<String, byte[]> arrays) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> array : arrays.entrySet()) {
        zip.putNextEntry(new ZipEntry(array.getKey() + ".npy"));
        zip.write(array.getValue());
        zip.closeEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return write(file, bytes.toByteArray());
  }

  static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
