package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageFolderTest {

  @TempDir Path root;

  @Test
  void readsAFolderAClassValueByValue() throws IOException {
    write("dog/b.png", 0x010203, 0x040506);
    write("dog/a.BMP", 0x0a0b0c, 0x0d0e0f);
    write("cat/x.png", 0x102030, 0x405060);
    Files.writeString(root.resolve("cat/notes.txt"), "not an image");
    Files.createDirectory(root.resolve(".cache"));

    ImageSet set = spec("").load();

    assertThat(set.name()).isEqualTo(root.getFileName().toString());
    assertThat(set.classes()).containsExactly("cat", "dog");
    assertThat(set.shape()).isEqualTo(new ImageShape(3, 1, 2));
    assertThat(set.values()).isEqualTo(Values.PIXELS);
    assertThat(contents(set))
        .isEqualTo(
            Map.of(
                "cat", List.of(List.of(0x10, 0x40, 0x20, 0x50, 0x30, 0x60)),
                "dog", List.of(List.of(1, 4, 2, 5, 3, 6), List.of(10, 13, 11, 14, 12, 15))));
    assertThat(spec("").domains()).isEmpty();
    assertThat(spec("").hasTrainingPart()).isFalse();
  }

  @Test
  void takesClassesFromTheList() throws IOException {
    write("dog/a.png", 1);
    write("cat/a.png", 2);
    Files.writeString(root.resolve("classes.txt"), "horse\ndog\n\n cat \n");

    ImageSet set = spec("").load();

    assertThat(set.classes()).containsExactly("horse", "dog", "cat");
    assertThat(set.labels()).containsExactlyInAnyOrder(1, 2);
  }

  @Test
  void refusesFoldersThatTheListDoesNotName() throws IOException {
    write("dog/a.png", 1);
    Files.writeString(root.resolve("classes.txt"), "cat");
    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("classes.txt, found \"dog\"");

    Files.writeString(root.resolve("classes.txt"), "cat\ndog\ncat");
    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected each class once, found \"cat\" again");
  }

  @ParameterizedTest
  @CsvSource({"test", "val", "validation"})
  void tellsSplitsApart(String test) throws IOException {
    write("train/dog/a.png", 1);
    write("train/emu/a.png", 2);
    write(test + "/dog/a.png", 3);
    // as in ImageNet: images without labels
    write("test/unlabelled.png", 4);

    assertThat(contents(spec("").load(Split.TRAIN)).keySet()).containsExactly("dog", "emu");
    assertThat(spec("").load(Split.TEST).classes()).containsExactly("dog", "emu");
    assertThat(contents(spec("").load(Split.TEST)))
        .isEqualTo(Map.of("dog", List.of(List.of(0, 0, 3))));
    assertThat(spec("").hasTrainingPart()).isTrue();
    assertThat(spec("").domains()).isEmpty();
  }

  @Test
  void readsFoldersADomain() throws IOException {
    write("photo/dog/a.png", 1);
    write("photo/cat/a.png", 2);
    write("Real World/dog/a.png", 3);
    write("Real World/emu/a.png", 4);
    Files.createDirectories(root.resolve("lists/of"));

    DataSpec spec = spec("");
    ImageSet photo = spec.loadDomain("photo", 5);

    assertThat(spec.domains()).containsExactly("Real World", "photo");
    assertThat(photo.classes()).containsExactly("cat", "dog", "emu");
    assertThat(photo.name()).isEqualTo(root.getFileName() + "/photo");
    assertThat(contents(photo).get("cat")).containsExactly(List.of(0, 0, 2));
    assertThatThrownBy(spec::load)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("holds no clean samples: name its own domains (Real World, photo)")
        .hasMessageContaining(
            "say which of them is clean, for example images:" + root + "?source=");
  }

  @Test
  void takesADomainAsTheSource() throws IOException {
    write("photo/train/dog/a.png", 1);
    write("photo/test/dog/a.png", 2);
    write("sketch/images/dog/a.png", 3);

    DataSpec spec = spec("?source=photo");

    assertThat(spec.domains()).containsExactly("sketch");
    assertThat(spec.hasTrainingPart()).isTrue();
    assertThat(contents(spec.load(Split.TRAIN)).get("dog")).containsExactly(List.of(0, 0, 1));
    assertThat(contents(spec.load(Split.TEST)).get("dog")).containsExactly(List.of(0, 0, 2));
    assertThat(contents(spec.loadDomain("sketch", 1)).get("dog")).containsExactly(List.of(0, 0, 3));
    assertThatThrownBy(() -> spec("?source=phot").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("own domains [photo, sketch], found \"phot\"");
  }

  @Test
  void readsCorruptionsBySeverityBesideCleanImages() throws IOException {
    for (int severity = 1; severity <= 5; severity++) {
      write("fog/" + severity + "/n01/a.JPEG.png", severity);
      write("gaussian_noise/" + severity + "/n02/a.png", 10 + severity);
    }
    write("val/n01/a.png", 99);
    DataSpec spec = spec("");

    assertThat(spec.domains()).containsExactly("gaussian_noise", "fog");
    assertThat(contents(spec.loadDomain("fog", 4)))
        .isEqualTo(Map.of("n01", List.of(List.of(0, 0, 4))));
    assertThat(spec.loadDomain("fog", 4).classes()).containsExactly("n01", "n02");
    assertThat(contents(spec.load()).get("n01")).containsExactly(List.of(0, 0, 99));
    assertThatThrownBy(() -> spec.loadDomain("fog", 6))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("severity: expected 1 to 5, found 6");
    assertThatThrownBy(() -> spec.loadDomain("snow", 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("own domains [gaussian_noise, fog], found \"snow\"");
    assertThatThrownBy(() -> spec.load(Split.TRAIN))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected a folder train with folders of images, found [fog,");
  }

  @Test
  void saysWhichSeveritiesThereAre() throws IOException {
    write("fog/5/n01/a.png", 1);

    assertThatThrownBy(() -> spec("").loadDomain("fog", 3))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("a folder a severity, with 3 among them, found [5]");
  }

  @Test
  void looksThroughFoldersCalledImages() throws IOException {
    write("train/n01/images/a.png", 1);
    Files.writeString(root.resolve("train/n01/boxes.txt"), "");
    write("train/n02/images/a.png", 2);

    assertThat(contents(spec("").load(Split.TRAIN)))
        .isEqualTo(Map.of("n01", List.of(List.of(0, 0, 1)), "n02", List.of(List.of(0, 0, 2))));
  }

  @Test
  void givesTheSameOrderToDomainsWithTheSameFilesAndMixesClasses() throws IOException {
    for (int i = 0; i < 20; i++) {
      write("fog/1/a/%02d.png".formatted(i), i);
      write("fog/1/b/%02d.png".formatted(i), 20 + i);
      write("snow/1/a/%02d.png".formatted(i), i);
      write("snow/1/b/%02d.png".formatted(i), 20 + i);
    }

    ImageSet fog = spec("").loadDomain("fog", 1);
    ImageSet snow = spec("").loadDomain("snow", 1);

    float[] first = new float[3];
    float[] second = new float[3];
    for (int i = 0; i < 40; i++) {
      fog.read(i, first);
      snow.read(i, second);
      assertThat(first).isEqualTo(second);
    }
    assertThat(fog.head(10).labels()).contains(0, 1);
  }

  @Test
  void namesTwoFilesOfDifferentSizes() throws IOException {
    write("dog/a.png", 1, 2);
    write("dog/b.png", 1, 2, 3);

    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "images: expected one size, found %s of 1x2 and %s of 1x3 (height x width): give a size"
                    .formatted(root.resolve("dog/a.png"), root.resolve("dog/b.png"))
                + " to cut them to, as in images:%s?size=224".formatted(root));
    assertThat(spec("?size=4x6").load().shape()).isEqualTo(new ImageShape(3, 4, 6));
  }

  @Test
  void makesGreyImagesOfAColouredSetRgb() throws IOException {
    writeGrey("dog/a.png", 7);
    write("dog/b.png", 0x010203);

    assertThat(contents(spec("").load()).get("dog"))
        .containsExactly(List.of(1, 2, 3), List.of(7, 7, 7));
  }

  @Test
  void leavesGreySetsGreyUnlessToldOtherwise() throws IOException {
    writeGrey("dog/a.png", 7);

    assertThat(contents(spec("").load()).get("dog")).containsExactly(List.of(7));
    assertThat(contents(spec("?channels=3").load()).get("dog")).containsExactly(List.of(7, 7, 7));
  }

  @Test
  void keepsNoMoreDecodedBytesThanTheCacheTakes() throws IOException {
    Path[] files = new Path[50];
    for (int i = 0; i < files.length; i++) {
      files[i] = root.resolve("dog/%02d.png".formatted(i));
      write("dog/%02d.png".formatted(i), i, i);
    }
    var cache = LazyImages.cache(10 * 6);
    ImageSet set =
        ImageSet.of(
            "dogs",
            new ImageShape(3, 1, 2),
            List.of("dog"),
            new int[files.length],
            Values.PIXELS,
            new LazyImages(List.of(files), new ImageShape(3, 1, 2), null, cache));

    IntStream.range(0, 200)
        .parallel()
        .forEach(
            i -> {
              float[] chw = new float[6];
              set.read(i % files.length, chw);
              assertThat(chw[5]).isEqualTo(i % files.length / 255f);
            });

    cache.cleanUp();
    assertThat(cache.estimatedSize()).isPositive().isLessThanOrEqualTo(10);
  }

  @ParameterizedTest
  @CsvSource({"photo/dog, photo", "train/dog, dog"})
  void refusesClassesBesideDomainsOrSplits(String other, String named) throws IOException {
    write("dog/a.png", 1);
    write(other + "/a.png", 1);

    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("images in some folders and folders of images in others, " + named);
  }

  @Test
  void takesNoSeverityForCleanImages() throws IOException {
    write("1/dog/a.png", 1);
    write("5/dog/a.png", 5);

    assertThat(spec("").domains()).containsExactly("1", "5");
    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("holds no clean samples");
  }

  @Test
  void refusesFoldersOfImagesWithinAClass() throws IOException {
    write("dog/a.png", 1);
    write("dog/puppies/a.png", 1);

    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found a folder of images puppies in it");
  }

  @Test
  void refusesFormatsThatItCannotRead() throws IOException {
    write("dog/a.png", 1);
    Files.write(root.resolve("dog/b.webp"), new byte[9]);

    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            root.resolve("dog/b.webp")
                + ": expected a PNG, JPEG or BMP image, found another format");
  }

  @Test
  void refusesFoldersWithoutImages() throws IOException {
    Files.createDirectories(root.resolve("dog/puppies"));

    assertThatThrownBy(() -> spec("").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            root + ": expected folders of PNG, JPEG or BMP images, one a class, found none");
    assertThatThrownBy(() -> DataSpec.parse("images:" + root.resolve("nowhere")).load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("data: no such directory: " + root.resolve("nowhere"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "?size=0 | size=N or size=HxW in pixels, found \"size=0\"",
        "?size=ax3 | size=N or size=HxW in pixels, found \"size=ax3\"",
        "?size= | as KEY=VALUE, found \"size=\"",
        "?crop=224 | [size, resize, source, channels] as KEY=VALUE, found \"crop=224\"",
        "?size=224&size=224 | size once",
        "?resize=256 | size=N beside resize=256, found \"resize alone\"",
        "?resize=200&size=224 | resize=N, the shorter side in pixels before size=224 is cut out",
        "?channels=4 | channels=3, found \"channels=4\"",
      })
  void refusesWrongOptions(String options, String message) {
    assertThatThrownBy(() -> spec(options))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("data: images: expected ")
        .hasMessageContaining(message);
  }

  private DataSpec spec(String options) {
    return DataSpec.parse("images:" + root + options);
  }

  /** The bytes of the images of each class, smallest first. */
  private static Map<String, List<List<Integer>>> contents(ImageSet set) {
    Map<String, List<List<Integer>>> contents = new TreeMap<>();
    float[] chw = new float[set.shape().size()];
    for (int i = 0; i < set.size(); i++) {
      set.read(i, chw);
      float[] values = chw;
      List<Integer> bytes =
          IntStream.range(0, chw.length).mapToObj(at -> Math.round(values[at] * 255)).toList();
      contents.merge(
          set.classes().get(set.label(i)),
          List.of(bytes),
          (a, b) ->
              Stream.concat(a.stream(), b.stream())
                  .sorted(Comparator.comparing(image -> image.get(0)))
                  .toList());
    }
    return contents;
  }

  /** One row of RGB pixels. */
  private void write(String name, int... pixels) throws IOException {
    BufferedImage image = new BufferedImage(pixels.length, 1, BufferedImage.TYPE_INT_RGB);
    for (int x = 0; x < pixels.length; x++) {
      image.setRGB(x, 0, pixels[x]);
    }
    store(name, image);
  }

  private void writeGrey(String name, int... values) throws IOException {
    BufferedImage image = new BufferedImage(values.length, 1, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setSamples(0, 0, values.length, 1, 0, Arrays.copyOf(values, values.length));
    store(name, image);
  }

  private void store(String name, BufferedImage image) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    String format = name.toLowerCase(Locale.ROOT).endsWith(".bmp") ? "bmp" : "png";
    assertThat(ImageIO.write(image, format, file.toFile())).isTrue();
  }
}
