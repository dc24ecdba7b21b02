package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Image files in a folder a class, as publishers lay them out:
 *
 * <ul>
 *   <li>{@code <class>/*}: one set for both splits;
 *   <li>{@code train/<class>/*} and {@code test/<class>/*} (or {@code val}, {@code validation});
 *   <li>{@code <domain>/<class>/*}, also with splits in each domain: PACS, Office-Home, DomainNet;
 *   <li>{@code <domain>/<severity>/<class>/*}: ImageNet-C;
 * </ul>
 *
 * and splits beside domains, whose images are then the clean ones. A folder {@code images} between
 * two of these levels is looked through.
 *
 * <p>Classes are the folders' names of all domains in alphabetical order, or the lines of {@code
 * classes.txt}. Samples come in a fixed random order, so that the first N are as good as any N;
 * domains with the same file names come in the same order.
 */
final class ImageFolder {

  private static final String INNER = "images";
  private static final String CLASSES_FILE = "classes.txt";
  private static final long ORDER_SEED = "images".hashCode();

  private final Path root;
  private final ImageFolderOptions options;

  ImageFolder(Path root, ImageFolderOptions options) {
    this.root = root;
    this.options = options;
  }

  /** What a folder's subfolders are. */
  private enum Kind {
    CLASSES,
    SPLITS,
    SEVERITIES,
    OTHER
  }

  /**
   * The domains there are, without the source; corruptions in published order, others by name.
   *
   * @throws InvalidInputException if the folder is missing or holds no images
   */
  List<String> domains() {
    return allDomains().stream().filter(name -> !name.equals(options.source())).toList();
  }

  private List<String> allDomains() {
    requireOneLevel();
    if (kind(root) == Kind.CLASSES) {
      return List.of();
    }
    List<String> names =
        Folder.folders(root).stream()
            .filter(name -> !isSplit(name) && kind(inner(root.resolve(name))) != Kind.OTHER)
            .toList();
    if (names.isEmpty() && kind(root) != Kind.SPLITS) {
      throw new InvalidInputException(
          root + ": expected folders of PNG, JPEG or BMP images, one a class, found none");
    }
    return OwnDomains.inOrder(names, OwnDomains.HENDRYCKS);
  }

  private void requireOneLevel() {
    Kind kind = kind(root);
    for (String name : Folder.folders(root)) {
      Path folder = root.resolve(name);
      boolean images = holdsImages(folder);
      boolean classes = kind(folder) != Kind.OTHER && !images;
      if ((kind == Kind.CLASSES && classes) || (kind == Kind.SPLITS && images && !isSplit(name))) {
        throw new InvalidInputException(
            ("%s: expected classes alone, or splits and domains alone; found images in some folders"
                    + " and folders of images in others, %s among them")
                .formatted(root, name));
      }
    }
  }

  /** Whether the splits are different images. */
  boolean hasTrainingPart() {
    Path place = options.source() == null ? root : inner(root.resolve(options.source()));
    return kind(place) == Kind.SPLITS && splitFolder(place, Split.TRAIN) != null;
  }

  /**
   * Lists a split of the clean images.
   *
   * @throws InvalidInputException if there are none, or the folders are not as above
   */
  ImageSet clean(Split split) {
    List<String> domains = allDomains();
    String source = options.source();
    if (source != null) {
      OwnDomains.requireKnown(source, domains);
      return read(source, part(inner(root.resolve(source)), split, 1));
    }
    if (kind(root) == Kind.OTHER || kind(root) == Kind.SEVERITIES) {
      throw OwnDomains.nothingClean(
          root,
          domains,
          "say which of them is clean, for example images:%s?source=%s"
              .formatted(root, domains.get(0)));
    }
    return read(setName(), part(root, split, 1));
  }

  /**
   * Lists the test images of a domain.
   *
   * @throws InvalidInputException if there is no such domain or severity, or the folders are not as
   *     above
   */
  ImageSet domain(String name, int severity) {
    OwnDomains.requireKnown(name, domains());
    return read(setName() + "/" + name, part(inner(root.resolve(name)), Split.TEST, severity));
  }

  private String setName() {
    return String.valueOf(root.toAbsolutePath().normalize().getFileName());
  }

  /** The folder whose subfolders are the classes. */
  private Path part(Path place, Split split, int severity) {
    return switch (kind(place)) {
      case CLASSES -> place;
      case SPLITS -> {
        Path folder = splitFolder(place, split);
        if (folder == null) {
          throw new InvalidInputException(
              "%s: expected a folder %s with folders of images, found %s"
                  .formatted(
                      place, String.join(" or ", Folder.names(split)), Folder.folders(place)));
        }
        yield folder;
      }
      case SEVERITIES -> {
        OwnDomains.requireSeverity(severity);
        Path folder = place.resolve(Integer.toString(severity));
        if (!Files.isDirectory(folder)) {
          throw new InvalidInputException(
              "%s: expected a folder a severity, with %d among them, found %s"
                  .formatted(place, severity, Folder.folders(place)));
        }
        yield inner(folder);
      }
      case OTHER ->
          throw new InvalidInputException(
              place + ": expected folders of PNG, JPEG or BMP images, one a class, found none");
    };
  }

  private static @Nullable Path splitFolder(Path place, Split split) {
    return Folder.names(split).stream()
        .map(name -> inner(place.resolve(name)))
        .filter(folder -> Files.isDirectory(folder) && kind(folder) == Kind.CLASSES)
        .findFirst()
        .orElse(null);
  }

  private static boolean isSplit(String name) {
    return Stream.of(Split.values()).anyMatch(split -> Folder.names(split).contains(name));
  }

  private static Kind kind(Path folder) {
    List<String> names = Folder.folders(folder);
    // before classes: ImageNet's test holds images without labels
    if (names.stream().anyMatch(name -> isSplit(name) && holdsClasses(folder, name))) {
      return Kind.SPLITS;
    }
    if (names.stream().anyMatch(name -> holdsImages(folder.resolve(name)))) {
      return Kind.CLASSES;
    }
    if (names.stream().anyMatch(name -> name.matches("[1-5]") && holdsClasses(folder, name))) {
      return Kind.SEVERITIES;
    }
    return Kind.OTHER;
  }

  private static boolean holdsClasses(Path folder, String name) {
    return kind(inner(folder.resolve(name))) == Kind.CLASSES;
  }

  private static boolean holdsImages(Path folder) {
    return Folder.any(folder, ImageFolder::imageName)
        || Folder.any(folder.resolve(INNER), ImageFolder::imageName);
  }

  private static boolean imageName(String name) {
    return ImageFile.readable(name) || ImageFile.foreign(name);
  }

  private static Path inner(Path folder) {
    Path inner = folder.resolve(INNER);
    return Files.isDirectory(inner) && Folder.folders(folder).size() == 1 ? inner : folder;
  }

  private List<String> classes() {
    Path file = root.resolve(CLASSES_FILE);
    if (Files.isRegularFile(file)) {
      return listed(file);
    }
    Set<String> names = new TreeSet<>();
    List<Path> places = new ArrayList<>(List.of(root));
    allDomains().forEach(domain -> places.add(inner(root.resolve(domain))));
    for (Path place : places) {
      switch (kind(place)) {
        case CLASSES -> names.addAll(Folder.folders(place));
        case SPLITS ->
            Stream.of(Split.values())
                .map(split -> splitFolder(place, split))
                .filter(folder -> folder != null)
                .forEach(folder -> names.addAll(Folder.folders(folder)));
        case SEVERITIES ->
            Folder.folders(place).stream()
                .filter(name -> name.matches("[1-5]"))
                .forEach(name -> names.addAll(Folder.folders(inner(place.resolve(name)))));
        case OTHER -> {}
      }
    }
    return List.copyOf(names);
  }

  private static List<String> listed(Path file) {
    List<String> names;
    try {
      names =
          Files.readAllLines(file).stream()
              .map(String::strip)
              .filter(line -> !line.isEmpty())
              .toList();
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw new InvalidInputException(
            "%s: expected each class once, found \"%s\" again".formatted(file, name));
      }
    }
    return names;
  }

  private ImageSet read(String name, Path folder) {
    List<String> classes = classes();
    List<Path> files = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (String folderName : Folder.folders(folder)) {
      int label = classes.indexOf(folderName);
      if (label < 0) {
        throw new InvalidInputException(
            "%s: expected folders named in %s, found \"%s\""
                .formatted(folder, root.resolve(CLASSES_FILE), folderName));
      }
      for (Path file : images(folder.resolve(folderName))) {
        files.add(file);
        labels.add(label);
      }
    }
    if (files.isEmpty()) {
      throw new InvalidInputException(folder + ": expected images, found none");
    }
    int[] order = IntStream.range(0, files.size()).toArray();
    SeededRandom.of(ORDER_SEED).shuffle(order);
    List<Path> shuffled = Arrays.stream(order).mapToObj(files::get).toList();
    ImageShape shape = shape(files);
    return ImageSet.of(
        name,
        shape,
        classes,
        Arrays.stream(order).map(labels::get).toArray(),
        Values.PIXELS,
        new LazyImages(shuffled, shape, options.sizing()));
  }

  private static List<Path> images(Path classFolder) {
    Path folder =
        Folder.any(classFolder, ImageFolder::imageName) ? classFolder : inner(classFolder);
    for (String name : Folder.folders(folder)) {
      if (holdsImages(folder.resolve(name))) {
        throw new InvalidInputException(
            "%s: expected the images of one class, found a folder of images %s in it"
                .formatted(folder, name));
      }
    }
    List<String> names = Folder.files(folder);
    for (String name : names) {
      if (ImageFile.foreign(name)) {
        throw new InvalidInputException(
            "%s: expected a PNG, JPEG or BMP image, found another format"
                .formatted(folder.resolve(name)));
      }
    }
    return names.stream().filter(ImageFile::readable).map(folder::resolve).toList();
  }

  /** The one shape of all files; three channels if any is coloured. */
  private ImageShape shape(List<Path> files) {
    List<ImageShape> shapes =
        IntStream.range(0, files.size())
            .parallel()
            .mapToObj(i -> ImageFile.shape(files.get(i)))
            .toList();
    boolean colour = options.rgb() || shapes.stream().anyMatch(shape -> shape.channels() == 3);
    ImageSizing sizing = options.sizing();
    if (sizing != null) {
      return new ImageShape(colour ? 3 : 1, sizing.height(), sizing.width());
    }
    ImageShape first = shapes.get(0);
    for (int i = 1; i < shapes.size(); i++) {
      ImageShape other = shapes.get(i);
      if (other.height() != first.height() || other.width() != first.width()) {
        throw new InvalidInputException(
            ("images: expected one size, found %s of %dx%d and %s of %dx%d (height x width): give a"
                    + " size to cut them to, as in images:%s?size=224")
                .formatted(
                    files.get(0),
                    first.height(),
                    first.width(),
                    files.get(i),
                    other.height(),
                    other.width(),
                    root));
      }
    }
    return new ImageShape(colour ? 3 : 1, first.height(), first.width());
  }
}
