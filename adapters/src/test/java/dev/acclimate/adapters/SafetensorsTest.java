package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  @TempDir private Path folder;

  @Property(tries = 100)
  void readsBackWhatItWrote(
      @ForAll @Size(max = 4) List<@Size(max = 3) List<@IntRange(max = 4) Integer>> shapes,
      @ForAll String value,
      @ForAll float first)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (List<Integer> shape : shapes) {
      ElementType type = tensors.size() % 2 == 0 ? ElementType.FP32 : ElementType.INT64;
      Tensor tensor = Tensor.allocate(type, shape.stream().mapToLong(Integer::longValue).toArray());
      if (type == ElementType.FP32 && tensor.elements() > 0) {
        tensor.floats().put(first);
      }
      tensors.put("tensor " + tensors.size(), tensor);
    }
    // a lone surrogate is no text that UTF-8 could carry
    String text = new String(value.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    Path file = Files.createTempFile("round-trip", ".safetensors");
    try {
      new Safetensors(tensors, Map.of("key", text)).write(file);

      Safetensors read = Safetensors.read(file);

      assertThat(read.metadata()).containsExactly(Map.entry("key", text));
      assertThat(read.tensors().keySet()).containsExactlyElementsOf(tensors.keySet());
      tensors.forEach(
          (name, tensor) -> {
            assertThat(read.tensors().get(name)).hasToString(tensor.toString());
            assertThat(read.tensors().get(name).bytes()).isEqualTo(tensor.bytes());
          });
    } finally {
      Files.delete(file);
    }
  }

  private Path written() {
    Path file = folder.resolve("state.safetensors");
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("a", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    tensors.put("b", Tensor.of(new float[] {7}, 1));
    new Safetensors(tensors, Map.of("step", "3")).write(file);
    return file;
  }

  @Test
  void leavesNoPartialFileBehind() throws IOException {
    written();
    written();

    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("state.safetensors"));
    }
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] whole = Files.readAllBytes(written());
    Path file = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));

      assertThatThrownBy(() -> Safetensors.read(file))
          .as("the first %d of %d bytes", length, whole.length)
          .isInstanceOf(InvalidInputException.class)
          .hasMessageStartingWith(file + ": ");
    }
  }

  @Test
  void answersDamagedFilesWithARefusalOnly() throws IOException {
    byte[] whole = Files.readAllBytes(written());
    Path file = folder.resolve("damaged.safetensors");
    SplittableRandom random = new SplittableRandom(3);
    int refused = 0;
    for (int i = 0; i < 1000; i++) {
      byte[] damaged = whole.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try {
        Safetensors unused = Safetensors.read(file);
      } catch (InvalidInputException e) {
        refused++; // any other exception fails the test
      }
    }

    assertThat(refused).isPositive();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}",
        "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"x\"],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":{\"n\":1},\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,4],\"data_offsets\":[0,4]}}",
        "{\"a\":7}",
        "[1, 2]"
      })
  void refusesHeadersThatDoNotDescribeTheFile(String header) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer content = ByteBuffer.allocate(8 + json.length + 8).order(ByteOrder.LITTLE_ENDIAN);
    content.putLong(json.length).put(json);
    Path file = Files.write(folder.resolve("bad.safetensors"), content.array());

    assertThatThrownBy(() -> Safetensors.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ");
  }

  @Test
  void refusesAMissingFile() {
    assertThatThrownBy(() -> Safetensors.read(folder.resolve("none")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("none: no such file");
  }
}
