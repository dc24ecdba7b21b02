package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading model files, and refusing those that are none. */
class OnnxModelTest {
  private static final byte[] ONE_SITE = ModelSketch.oneSite(17, 4, 4).bytes();

  @TempDir private Path folder;

  private Path file(byte[] content) throws Exception {
    return Files.write(folder.resolve("net.onnx"), content);
  }

  @Test
  void readsWhatAFileDeclares() throws Exception {
    OnnxModel model = OnnxModel.read(file(ONE_SITE));

    assertThat(model.name()).isEqualTo("net");
    assertThat(model.opset()).isEqualTo(17);
    assertThat(model.inputs())
        .extracting(TensorInfo::toString)
        .containsExactly("x FP32 [batch, 2, 4, 4]");
    assertThat(model.outputs()).extracting(TensorInfo::name).containsExactly("y");
    assertThat(model.digest()).matches("[0-9a-f]{64}");
  }

  @Test
  void writesWhatItRead() throws Exception {
    Path copy = folder.resolve("copy.onnx");

    OnnxModel.read(file(ONE_SITE)).write(copy);

    assertThat(copy).hasBinaryContent(ONE_SITE);
  }

  @Test
  void refusesAMissingFileAndAFolder() {
    assertThatThrownBy(() -> OnnxModel.read(folder.resolve("none.onnx")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("none.onnx: no such model file");
    assertThatThrownBy(() -> OnnxModel.read(folder))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(folder + ": not a file");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "This is a text, not a model.", "{\"json\": 1}", "\0\0\0\0", "PK\3\4"})
  void refusesOtherContent(String content) throws Exception {
    Path file = file(content.getBytes(StandardCharsets.UTF_8));

    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": not an ONNX model");
  }

  /** Reads a model as {@code inspect} does; true where it was accepted. */
  private static boolean accepts(byte[] bytes) {
    try {
      OnnxModel model = OnnxModel.parse(bytes, "cut");
      int unused = model.inputs().size() + model.outputs().size();
      unused += NormalizationSites.inspect(model).size();
      return unused > 0;
    } catch (InvalidInputException e) {
      assertThat(e).hasMessageStartingWith("cut: ").message().hasLineCount(1);
      return false;
    }
  }

  @Test
  void refusesEveryTruncation() {
    // initializers come after the nodes and their outputs last, so that each cut loses something
    for (int length = 0; length < ONE_SITE.length; length++) {
      byte[] cut = Arrays.copyOf(ONE_SITE, length);
      assertThat(accepts(cut)).as("the first %d of %d bytes", length, ONE_SITE.length).isFalse();
    }
    assertThat(accepts(ONE_SITE)).isTrue();
  }

  @Test
  void refusesOldOperatorSets() {
    assertThat(OnnxModel.parse(ModelSketch.oneSite(9, 4).bytes(), "net").opset()).isEqualTo(9);

    assertThatThrownBy(() -> OnnxModel.parse(ModelSketch.oneSite(8, 4).bytes(), "net"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("operator set 8 is too old: expected 9 or newer");
  }

  /** The one-site model with gamma kept at {@code location}. */
  private static ModelProto externalGamma(String location, long offset, long length) {
    ModelProto.Builder proto = ModelSketch.oneSite(17, 4).proto().toBuilder();
    TensorProto.Builder gamma = proto.getGraphBuilder().getInitializerBuilder(0);
    gamma
        .clearFloatData()
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", location))
        .addExternalData(entry("offset", Long.toString(offset)))
        .addExternalData(entry("length", Long.toString(length)));
    return proto.build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static byte[] weights(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  @Test
  void readsExternalDataFromItsFolder() throws Exception {
    Files.createDirectory(folder.resolve("weights"));
    Files.write(folder.resolve("weights/net.bin"), weights(9, 7, 8));

    OnnxModel model = OnnxModel.read(file(externalGamma("weights/net.bin", 4, 8).toByteArray()));

    assertThat(NormalizationSites.find(model).get(0).gamma()).containsExactly(7, 8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../secret.bin",
        "inner/../../secret.bin",
        "ABSOLUTE",
        "link.bin",
        "linked/secret.bin"
      })
  void refusesExternalDataOutsideItsFolder(String location) throws Exception {
    Path secret = Files.write(folder.resolve("secret.bin"), weights(1, 2));
    Path inside = Files.createDirectory(folder.resolve("model"));
    Files.createSymbolicLink(inside.resolve("link.bin"), secret);
    Files.createSymbolicLink(inside.resolve("linked"), folder);
    Path model = inside.resolve("net.onnx");
    String where = location.equals("ABSOLUTE") ? secret.toString() : location;
    Files.write(model, externalGamma(where, 0, 8).toByteArray());

    assertThatThrownBy(() -> OnnxModel.read(model))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            model + ": weights of 'gamma' in '" + where + "' lie outside the model's folder");
  }

  @Test
  void refusesExternalDataThatIsMissingOrShort() throws Exception {
    Path missing = file(externalGamma("net.bin", 0, 8).toByteArray());
    assertThatThrownBy(() -> OnnxModel.read(missing))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("weights of 'gamma' in 'net.bin' are missing");

    Files.write(folder.resolve("net.bin"), weights(1, 2));
    Path tooShort = file(externalGamma("net.bin", 4, 8).toByteArray());
    assertThatThrownBy(() -> OnnxModel.read(tooShort))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("expected 8 bytes from 4 on, found 8 in all");
  }

  @Test
  void namesTensorsThatItCannotCarry() {
    OnnxModel model =
        ModelSketch.ofOpset(17)
            .input("words", TensorProto.DataType.STRING, 1)
            .output("same", TensorProto.DataType.STRING, 1)
            .node("Identity", "copy", "words", "same")
            .model();

    assertThatThrownBy(model::inputs)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("sketch: 'words' has unsupported element type STRING");
  }

  @Test
  void answersDamagedFilesWithARefusalOnly() {
    SplittableRandom random = new SplittableRandom(7);
    int accepted = 0;
    int damaged = 1500;
    for (int i = 0; i < damaged; i++) {
      byte[] bytes = ONE_SITE.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      accepted += accepts(bytes) ? 1 : 0; // any other exception fails the test
    }

    assertThat(accepted).isLessThan(damaged);
  }

  @Test
  void refusesExternalDataAtAPlaceThatIsNoNumber() throws Exception {
    ModelProto.Builder proto = externalGamma("net.bin", 0, 8).toBuilder();
    proto.getGraphBuilder().getInitializerBuilder(0).setExternalData(1, entry("offset", "twelve"));
    Path file = file(proto.build().toByteArray());
    Files.write(folder.resolve("net.bin"), weights(1, 2));

    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'offset'")
        .hasMessageContaining("'twelve'");
  }

  @ParameterizedTest
  @CsvSource({"4, 8", "-4, 4", "9223372036854775807, 8", "8, 9223372036854775807"})
  void refusesExternalDataBeyondTheEndOfItsFile(long offset, long length) throws Exception {
    Files.write(folder.resolve("net.bin"), weights(1, 2));
    Path file = file(externalGamma("net.bin", offset, length).toByteArray());

    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("weights of 'gamma' in 'net.bin': expected ")
        .hasMessageEndingWith("found 8 in all");
  }

  @Test
  void refusesExternalDataInAFileThatCannotBe() throws Exception {
    Path file = file(externalGamma("net\0.bin", 0, 8).toByteArray());

    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("weights of 'gamma'")
        .hasMessageContaining("not a file name");
  }
}
