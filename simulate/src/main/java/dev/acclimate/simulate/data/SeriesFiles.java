package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Windows of time series out of tables, a row a time step: one file, or a folder of them, each a
 * recording of its own; also in folders {@code train} and {@code test} (or {@code val}, {@code
 * validation}). What was read is kept. Not safe for use by several threads.
 */
final class SeriesFiles {

  private final TableFormat format;
  private final Path root;
  private final SeriesOptions options;
  private final Map<Split, SeriesRows> read = new EnumMap<>(Split.class);

  SeriesFiles(TableFormat format, Path root, SeriesOptions options) {
    this.format = format;
    this.root = root;
    this.options = options;
  }

  /**
   * The domains there are, without the source, in the order in which they come.
   *
   * @throws InvalidInputException if a file is missing or malformed
   */
  List<String> domains() {
    return options.domain() == null
        ? List.of()
        : rows(Split.TEST).domains().stream()
            .filter(name -> !name.equals(options.source()))
            .toList();
  }

  /** Whether the splits are different rows. */
  boolean hasTrainingPart() {
    return splitFolder(Split.TRAIN).isPresent();
  }

  /**
   * Cuts the clean windows of a split.
   *
   * @throws InvalidInputException if there are none, or a file is missing or malformed
   */
  ImageSet clean(Split split) {
    SeriesRows rows = rows(split);
    String source = options.source();
    if (source != null) {
      OwnDomains.requireKnown(source, rows.domains());
    } else if (options.domain() != null) {
      throw OwnDomains.nothingClean(
          root,
          rows.domains(),
          "say which of them is clean, for example &source=" + rows.domains().get(0));
    }
    return cut(rows, source);
  }

  /**
   * Cuts the test windows of a domain.
   *
   * @throws InvalidInputException if there is no such domain, or a file is missing or malformed
   */
  ImageSet domain(String name) {
    OwnDomains.requireKnown(name, domains());
    return cut(rows(Split.TEST), name);
  }

  private ImageSet cut(SeriesRows rows, @Nullable String domain) {
    String name = String.valueOf(root.toAbsolutePath().normalize().getFileName());
    return rows.windows(
        domain == null ? name : name + "/" + domain, domain, options.window(), options.stride());
  }

  private SeriesRows rows(Split split) {
    return read.computeIfAbsent(hasTrainingPart() ? split : Split.TEST, this::readRows);
  }

  private SeriesRows readRows(Split split) {
    List<TableFile> files = files(split);
    List<NumberColumn> channels = channels(files).stream().map(NumberColumn::new).toList();
    NameColumn label = new NameColumn(options.label());
    NameColumn group = options.group() == null ? null : new NameColumn(options.group());
    NameColumn domain = options.domain() == null ? null : new NameColumn(options.domain());
    List<TableColumn> columns = new ArrayList<>(channels);
    Stream.of(Optional.of(label), Optional.ofNullable(group), Optional.ofNullable(domain))
        .flatMap(Optional::stream)
        .forEach(columns::add);
    int[] ends = new int[files.size()];
    for (int i = 0; i < ends.length; i++) {
      files.get(i).read(columns);
      ends[i] = label.size();
    }
    SeriesClasses classes = SeriesClasses.of(label, options.classes(), () -> labelsBeside(split));
    return new SeriesRows(ends, channels, label, classes, group, domain);
  }

  private Stream<NameColumn> labelsBeside(Split split) {
    if (!hasTrainingPart()) {
      return Stream.of();
    }
    NameColumn labels = new NameColumn(options.label());
    Split other = split == Split.TRAIN ? Split.TEST : Split.TRAIN;
    splitFolder(other).stream()
        .flatMap(folder -> tables(folder).stream())
        .forEach(file -> file.read(List.of(labels)));
    return Stream.of(labels);
  }

  /** The columns asked for, or else those that are numeric and nothing else. */
  private List<String> channels(List<TableFile> files) {
    if (!options.channels().isEmpty()) {
      return options.channels();
    }
    List<String> first = numeric(files.get(0));
    if (first.isEmpty()) {
      throw new InvalidInputException(
          "%s: expected a numeric column beside %s, found %s"
              .formatted(
                  files.get(0).path(),
                  options.label(),
                  files.get(0).headings().stream().map(TableFile.Heading::name).toList()));
    }
    for (TableFile file : files) {
      List<String> found = numeric(file);
      if (!Set.copyOf(found).equals(Set.copyOf(first))) {
        throw new InvalidInputException(
            "%s: expected the numeric columns of %s, %s, found %s: name those wanted with channels="
                .formatted(file.path(), files.get(0).path(), first, found));
      }
    }
    return first;
  }

  private List<String> numeric(TableFile file) {
    return file.headings().stream()
        .filter(TableFile.Heading::numeric)
        .map(TableFile.Heading::name)
        .filter(name -> !name.isEmpty() && !name.equals(options.label()))
        .filter(name -> !name.equals(options.group()) && !name.equals(options.domain()))
        .toList();
  }

  private List<TableFile> files(Split split) {
    if (!Files.isDirectory(root)) {
      return List.of(format.open(root));
    }
    boolean parts = Stream.of(Split.values()).anyMatch(part -> splitFolder(part).isPresent());
    Path folder =
        parts ? splitFolder(split).orElse(root.resolve(Folder.names(split).get(0))) : root;
    List<TableFile> tables = Files.isDirectory(folder) ? tables(folder) : List.of();
    if (tables.isEmpty()) {
      throw new InvalidInputException(
          "%s: expected files %s, found none"
              .formatted(folder, String.join(" or ", format.endings())));
    }
    return tables;
  }

  private Optional<Path> splitFolder(Split split) {
    return Folder.names(split).stream()
        .map(root::resolve)
        .filter(folder -> Folder.any(folder, format::takes))
        .findFirst();
  }

  private List<TableFile> tables(Path folder) {
    return Folder.files(folder).stream()
        .filter(format::takes)
        .map(name -> format.open(folder.resolve(name)))
        .toList();
  }
}
