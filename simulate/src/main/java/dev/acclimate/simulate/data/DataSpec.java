package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.List;

/**
 * Where images come from, as written after {@code --data}.
 *
 * <table>
 * <caption>Known forms</caption>
 * <tr><td>{@code builtin}, {@code builtin:N}</td><td>{@link BuiltinImages}, 10,000 or N images</td></tr>
 * <tr><td>{@code builtin-series}, {@code builtin-series:N}</td><td>{@link BuiltinSeries}, 10,000 or
 * N windows</td></tr>
 * <tr><td>{@code cifar10:DIR}, {@code cifar100:DIR}</td><td>the standard binary files, {@code .bin}
 * or {@code .bin.gz}</td></tr>
 * <tr><td>{@code cifar10c:DIR}</td><td>CIFAR-10-C or CIFAR-100-C as published; its corruptions are
 * domains. Clean images come from the standard binary files in DIR, beside it, or in a folder {@code
 * cifar10} ({@code cifar100}) there</td></tr>
 * <tr><td>{@code cifar10.1:DIR}</td><td>CIFAR-10.1 as published; its versions are domains, clean
 * images are found likewise</td></tr>
 * <tr><td>{@code csv:FILE?window=N&label=COLUMN}</td><td>windows of N rows out of a table, a row a
 * time step; gzipped or not, or a folder of such files, each a recording of its own, also in {@code
 * train} and {@code test} (or {@code val}). {@code stride=N} rows from one window's start to the
 * next one's (as many as a window); {@code channels=A,B,C} columns of sensors (all numeric ones);
 * {@code group=COLUMN} tells recordings in a file apart; {@code domain=COLUMN} names domains, {@code
 * source=NAME} the clean one; {@code classes=A,B,C} the classes in the model's order (integers stand
 * for themselves, names come in alphabetical order). A window's label is that of most of its rows
 * </td></tr>
 * <tr><td>{@code idx:DIR}</td><td>MNIST and sets in its form, {@code train-images-idx3-ubyte} and so
 * on, gzipped or not</td></tr>
 * <tr><td>{@code images:DIR}</td><td>PNG, JPEG or BMP files in a folder a class; such folders in
 * {@code train} and {@code test} (or {@code val}); in a folder a domain (PACS, Office-Home); in a
 * folder a severity, 1 to 5, in a folder a domain (ImageNet-C). {@code classes.txt} may name the
 * classes in their order, which otherwise is alphabetical. {@code images:DIR?size=224} scales images
 * to cover that size, bilinearly with antialiasing, and cuts it out of the centre ({@code size=HxW}
 * where it is no square); {@code size=224&resize=256} scales the shorter side to 256 before; {@code
 * source=NAME} says which domain is clean; {@code channels=3} makes grey sets RGB</td></tr>
 * <tr><td>{@code mnistc:DIR}</td><td>MNIST-C as published; its corruptions are domains, {@code
 * identity} is clean</td></tr>
 * <tr><td>{@code npz:FILE}</td><td>{@code x} {@code [N, C, H, W]} float32 or {@code [N, H, W, C]} uint8,
 * {@code y} {@code [N]} int64, int32 or uint8</td></tr>
 * <tr><td>{@code parquet:FILE?window=N&label=COLUMN}</td><td>as {@code csv}, out of Apache Parquet:
 * columns of numbers and text, compressed with Snappy, gzip or Zstandard or not at all</td></tr>
 * </table>
 */
public sealed interface DataSpec {

  /** The forms {@link #parse} knows, for messages and help texts. */
  String KNOWN =
      "builtin, builtin:N, builtin-series, builtin-series:N,"
          + " cifar10:DIR, cifar100:DIR, cifar10c:DIR, cifar10.1:DIR,"
          + " csv:FILE?window=N&label=COLUMN, idx:DIR,"
          + " images:DIR, images:DIR?size=N, mnistc:DIR, npz:FILE,"
          + " parquet:FILE?window=N&label=COLUMN";

  /**
   * Reads or generates the images.
   *
   * @param split which part; a set without {@link #hasTrainingPart()} gives the same for either
   * @throws InvalidInputException if a file is missing or malformed, or all samples are shifted
   */
  ImageSet load(Split split);

  /** The test part. */
  default ImageSet load() {
    return load(Split.TEST);
  }

  /**
   * Whether the training part is other samples than the test part, so that a model may be
   * calibrated on it and judged on the other.
   *
   * @throws InvalidInputException if the set is missing
   */
  default boolean hasTrainingPart() {
    return true;
  }

  /**
   * Names of the shifted domains that the set itself holds, in its publisher's order; empty where
   * all it has is source samples.
   *
   * @throws InvalidInputException if the set is missing
   */
  default List<String> domains() {
    return List.of();
  }

  /**
   * Reads one of {@link #domains()}.
   *
   * @param severity 1 to 5; of no effect where the set knows no severities
   * @throws InvalidInputException if there is no such domain, or a file is missing or malformed
   */
  default ImageSet loadDomain(String name, int severity) {
    throw OwnDomains.unknown(name, domains());
  }

  /**
   * Reads what a user wrote after {@code --data}.
   *
   * @throws InvalidInputException if {@code text} is none of {@link #KNOWN}
   */
  static DataSpec parse(String text) {
    int colon = text.indexOf(':');
    String scheme = colon < 0 ? text : text.substring(0, colon);
    String argument = colon < 0 ? "" : text.substring(colon + 1);
    return switch (scheme) {
      case "builtin" -> new Builtin(colon < 0 ? Builtin.DEFAULT_SIZE : size(text, argument));
      case "builtin-series" -> new Series(colon < 0 ? Builtin.DEFAULT_SIZE : size(text, argument));
      case "cifar10" -> new Cifar10(Path.of(requireArgument(text, argument, "cifar10:DIR")));
      case "cifar100" -> new Cifar100(Path.of(requireArgument(text, argument, "cifar100:DIR")));
      case "cifar10c" -> new CifarC(Path.of(requireArgument(text, argument, "cifar10c:DIR")));
      case "cifar10.1" -> new Cifar101(Path.of(requireArgument(text, argument, "cifar10.1:DIR")));
      case "csv" -> Table.parse(TableFormat.CSV, requireArgument(text, argument, "csv:FILE"));
      case "idx" -> new Idx(Path.of(requireArgument(text, argument, "idx:DIR")));
      case "images" -> Images.parse(requireArgument(text, argument, "images:DIR"));
      case "mnistc" -> new MnistC(Path.of(requireArgument(text, argument, "mnistc:DIR")));
      case "npz" -> new Npz(Path.of(requireArgument(text, argument, "npz:FILE")));
      case "parquet" ->
          Table.parse(TableFormat.PARQUET, requireArgument(text, argument, "parquet:FILE"));
      default ->
          throw new InvalidInputException(
              "data: expected one of %s, found \"%s\"".formatted(KNOWN, text));
    };
  }

  private static String requireArgument(String text, String argument, String form) {
    if (argument.isEmpty()) {
      throw new InvalidInputException("data: expected %s, found \"%s\"".formatted(form, text));
    }
    return argument;
  }

  private static int size(String text, String argument) {
    try {
      int size = Integer.parseInt(argument);
      if (size > 0) {
        return size;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new InvalidInputException(
        "data: expected %s:N with a positive number of samples, found \"%s\""
            .formatted(text.substring(0, text.indexOf(':')), text));
  }

  /**
   * Our own generated images.
   *
   * @param size how many
   */
  record Builtin(int size) implements DataSpec {
    /** As many as CIFAR-10 has test images. */
    public static final int DEFAULT_SIZE = 10_000;

    @Override
    public ImageSet load(Split split) {
      return BuiltinImages.generate(split, size, BuiltinImages.DEFAULT_SEED);
    }
  }

  /**
   * Our own generated time series.
   *
   * @param size how many windows
   */
  record Series(int size) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return BuiltinSeries.generate(split, size, BuiltinSeries.DEFAULT_SEED);
    }
  }

  /** CIFAR-10 in {@code directory}. */
  record Cifar10(Path directory) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return CifarFiles.read(CifarVersion.CIFAR10, directory, split);
    }
  }

  /** CIFAR-100 in {@code directory}. */
  record Cifar100(Path directory) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return CifarFiles.read(CifarVersion.CIFAR100, directory, split);
    }
  }

  /** CIFAR-10-C or CIFAR-100-C in {@code directory}. */
  record CifarC(Path directory) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return CifarCFiles.clean(directory, split);
    }

    @Override
    public List<String> domains() {
      return CifarCFiles.domains(directory);
    }

    @Override
    public ImageSet loadDomain(String name, int severity) {
      return CifarCFiles.read(directory, name, severity);
    }
  }

  /** CIFAR-10.1 in {@code directory}. */
  record Cifar101(Path directory) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return CifarFiles.readBeside(directory, CifarVersion.CIFAR10, split, domains());
    }

    @Override
    public List<String> domains() {
      return Cifar101Files.domains(directory);
    }

    @Override
    public ImageSet loadDomain(String name, int severity) {
      return Cifar101Files.read(directory, name);
    }
  }

  /**
   * Time series in tables.
   *
   * @param files where they are, and how windows are cut
   */
  record Table(SeriesFiles files) implements DataSpec {
    private static Table parse(TableFormat format, String argument) {
      SpecOptions options = SpecOptions.parse(format.scheme(), argument, SeriesOptions.KEYS);
      return new Table(new SeriesFiles(format, options.path(), SeriesOptions.of(options)));
    }

    @Override
    public ImageSet load(Split split) {
      return files.clean(split);
    }

    @Override
    public boolean hasTrainingPart() {
      return files.hasTrainingPart();
    }

    @Override
    public List<String> domains() {
      return files.domains();
    }

    @Override
    public ImageSet loadDomain(String name, int severity) {
      return files.domain(name);
    }
  }

  /** MNIST, or a set in its form, in {@code directory}. */
  record Idx(Path directory) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return IdxFiles.read(directory, split);
    }
  }

  /**
   * Image files, a folder a class.
   *
   * @param options how they are read
   */
  record Images(Path directory, ImageFolderOptions options) implements DataSpec {
    private static Images parse(String argument) {
      SpecOptions options = SpecOptions.parse("images", argument, ImageFolderOptions.KEYS);
      return new Images(options.path(), ImageFolderOptions.of(options));
    }

    private ImageFolder folder() {
      return new ImageFolder(directory, options);
    }

    @Override
    public ImageSet load(Split split) {
      return folder().clean(split);
    }

    @Override
    public boolean hasTrainingPart() {
      return folder().hasTrainingPart();
    }

    @Override
    public List<String> domains() {
      return folder().domains();
    }

    @Override
    public ImageSet loadDomain(String name, int severity) {
      return folder().domain(name, severity);
    }
  }

  /** MNIST-C in {@code directory}. */
  record MnistC(Path directory) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return MnistCFiles.clean(directory, split);
    }

    @Override
    public List<String> domains() {
      return MnistCFiles.domains(directory);
    }

    @Override
    public ImageSet loadDomain(String name, int severity) {
      return MnistCFiles.read(directory, name);
    }
  }

  /** NumPy arrays in {@code file}. */
  record Npz(Path file) implements DataSpec {
    @Override
    public ImageSet load(Split split) {
      return NpzImages.read(file);
    }

    @Override
    public boolean hasTrainingPart() {
      return false;
    }
  }
}
