package dev.acclimate.adapters;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file: the length of a JSON header (8 bytes, little-endian), the header with type,
 * shape and place of each tensor, then the tensors' bytes. Float32 and int64 are all that we keep.
 */
public record Safetensors(Map<String, Tensor> tensors, Map<String, String> metadata) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LENGTH_BYTES = 8;
  private static final long LONGEST_HEADER = 100_000_000;

  public Safetensors {
    tensors = new LinkedHashMap<>(tensors);
    metadata = new LinkedHashMap<>(metadata);
  }

  /** A metadata value, empty where there is none. */
  public String metadata(String key) {
    return metadata.getOrDefault(key, "");
  }

  /** Writes a file; readers see the old content or the new, never a part. */
  public void write(Path file) {
    WholeFile.write(file, this::writeTo);
  }

  private void writeTo(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      for (ByteBuffer part : parts()) {
        while (part.hasRemaining()) {
          channel.write(part);
        }
      }
    }
  }

  /** The file's content. */
  public byte[] toBytes() {
    List<ByteBuffer> parts = parts();
    long size = parts.stream().mapToLong(ByteBuffer::remaining).sum();
    ByteBuffer content = ByteBuffer.allocate(Math.toIntExact(size));
    parts.forEach(content::put);
    return content.array();
  }

  /** The header, then the tensors' own memory. */
  private List<ByteBuffer> parts() {
    ObjectNode header = JSON.createObjectNode();
    ObjectNode meta = header.putObject("__metadata__");
    metadata.forEach(meta::put);
    List<ByteBuffer> contents = new ArrayList<>();
    long offset = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      ByteBuffer bytes = littleEndian(tensor);
      ObjectNode description = header.putObject(entry.getKey());
      description.put("dtype", dtype(tensor.type()));
      var shape = description.putArray("shape");
      for (long size : tensor.shape()) {
        shape.add(size);
      }
      description.putArray("data_offsets").add(offset).add(offset + bytes.remaining());
      offset += bytes.remaining();
      contents.add(bytes);
    }
    byte[] json;
    try {
      json = JSON.writeValueAsBytes(header);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a tree of strings and numbers is JSON", e);
    }
    int padded = (json.length + LENGTH_BYTES - 1) / LENGTH_BYTES * LENGTH_BYTES;
    ByteBuffer start = ByteBuffer.allocate(LENGTH_BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(padded).put(json);
    while (start.hasRemaining()) {
      start.put((byte) ' ');
    }
    contents.add(0, start.flip());
    return contents;
  }

  private static ByteBuffer littleEndian(Tensor tensor) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new UnsupportedOperationException("state files need a little-endian machine");
    }
    return tensor.bytes();
  }

  private static String dtype(ElementType type) {
    return switch (type) {
      case FP32 -> "F32";
      case INT64 -> "I64";
      default -> throw new IllegalArgumentException("no state is " + type);
    };
  }

  /**
   * Reads a file.
   *
   * @throws InvalidInputException when it is missing or not of this format
   */
  public static Safetensors read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(file + ": no such file");
    }
    try {
      return parse(file.toString(), ByteBuffer.wrap(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * Reads a file's content.
   *
   * @param file what errors call it
   * @throws InvalidInputException when it is not of this format
   */
  public static Safetensors parse(String file, ByteBuffer content) {
    content.order(ByteOrder.LITTLE_ENDIAN);
    if (content.remaining() < LENGTH_BYTES) {
      throw notSafetensors(file, "it has " + content.remaining() + " bytes", null);
    }
    long length = content.getLong();
    if (length < 2 || length > Math.min(LONGEST_HEADER, content.remaining())) {
      throw notSafetensors(file, "its header would have " + length + " bytes", null);
    }
    byte[] json = new byte[(int) length];
    content.get(json);
    ByteBuffer data = content.slice();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    try {
      JsonNode header = JSON.readTree(new String(json, StandardCharsets.UTF_8));
      if (!header.isObject()) {
        throw notSafetensors(file, "its header is no JSON object", null);
      }
      for (Map.Entry<String, JsonNode> field : header.properties()) {
        if (field.getKey().equals("__metadata__")) {
          field
              .getValue()
              .properties()
              .forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
        } else {
          tensors.put(field.getKey(), tensor(file, field.getKey(), field.getValue(), data));
        }
      }
    } catch (IOException e) {
      throw notSafetensors(file, "its header is not JSON", e);
    }
    return new Safetensors(tensors, metadata);
  }

  private static Tensor tensor(String file, String name, JsonNode description, ByteBuffer data) {
    ElementType type =
        switch (description.path("dtype").asText()) {
          case "F32" -> ElementType.FP32;
          case "I64" -> ElementType.INT64;
          default ->
              throw new InvalidInputException(
                  file
                      + ": tensor '"
                      + name
                      + "': expected type F32 or I64, found '"
                      + description.path("dtype").asText()
                      + "'");
        };
    JsonNode sizes = description.path("shape");
    if (!sizes.isArray()) {
      throw notSafetensors(file, "tensor '" + name + "' has no shape", null);
    }
    long[] shape = new long[sizes.size()];
    long elements = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = sizes.get(i).isIntegralNumber() ? sizes.get(i).longValue() : -1;
      if (shape[i] < 0 || shape[i] > Integer.MAX_VALUE) {
        throw notSafetensors(file, "tensor '" + name + "' has shape " + sizes, null);
      }
      elements *= shape[i];
      if (elements > Integer.MAX_VALUE) {
        throw notSafetensors(file, "tensor '" + name + "' has shape " + sizes, null);
      }
    }
    long begin = description.path("data_offsets").path(0).asLong(-1);
    long end = description.path("data_offsets").path(1).asLong(-1);
    if (begin < 0 || end < begin || end > data.limit()) {
      throw notSafetensors(
          file, "truncated: tensor '" + name + "' ends at " + end + " of " + data.limit(), null);
    }
    if (end - begin != elements * type.bytes()) {
      throw notSafetensors(
          file,
          "tensor '" + name + "' of shape " + sizes + " has " + (end - begin) + " bytes",
          null);
    }
    Tensor tensor = Tensor.allocate(type, shape);
    tensor.bytes().put(data.slice((int) begin, (int) (end - begin)));
    return tensor;
  }

  private static InvalidInputException notSafetensors(
      String file, String found, @Nullable Throwable cause) {
    String message = file + ": not a safetensors file, or a truncated one: " + found;
    return cause == null
        ? new InvalidInputException(message)
        : new InvalidInputException(message, cause);
  }
}
