package dev.acclimate.simulate.data;

import dev.acclimate.simulate.data.NameColumn.First;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The classes of a column of labels. Where the first label is a number, all are integers from 0 on
 * and name themselves; else they are names, in the order given or in alphabetical order.
 */
final class SeriesClasses {

  private static final Pattern INTEGER = Pattern.compile("(\\d{1,9})(\\.0*)?");

  private final List<String> names;
  private final int[] labels;

  private SeriesClasses(List<String> names, int[] labels) {
    this.names = names;
    this.labels = labels;
  }

  /**
   * Finds the classes.
   *
   * @param column of at least one label
   * @param given names of the classes in their order; empty where none were given
   * @param beside the column of labels in the other part of the set, if there is one; read only
   *     where names of classes are looked for
   * @throws dev.acclimate.models.InvalidInputException if a label is none of them
   */
  static SeriesClasses of(
      NameColumn column, List<String> given, Supplier<Stream<NameColumn>> beside) {
    List<First> found = column.names();
    if (!given.isEmpty()) {
      return named(column, given);
    }
    if (NumberColumn.numeric(found.get(0).text())) {
      return numbered(column);
    }
    Set<String> all = new TreeSet<>();
    Stream.concat(Stream.of(column), beside.get())
        .forEach(labels -> labels.names().forEach(name -> all.add(name.text())));
    return named(column, List.copyOf(all));
  }

  private static SeriesClasses named(NameColumn column, List<String> names) {
    List<Integer> labels = new ArrayList<>();
    for (First name : column.names()) {
      int label = names.indexOf(name.text());
      if (label < 0) {
        throw column.wrong(name, "one of the classes " + names);
      }
      labels.add(label);
    }
    return new SeriesClasses(names, array(labels));
  }

  private static SeriesClasses numbered(NameColumn column) {
    List<Integer> labels = new ArrayList<>();
    for (First name : column.names()) {
      var integer = INTEGER.matcher(name.text());
      int label = integer.matches() ? Integer.parseInt(integer.group(1)) : -1;
      if (label < 0 || label >= NameColumn.MOST_NAMES) {
        throw column.wrong(name, "a label from 0 to %,d".formatted(NameColumn.MOST_NAMES - 1));
      }
      labels.add(label);
    }
    int[] array = array(labels);
    return new SeriesClasses(NpyLabels.classes(array), array);
  }

  private static int[] array(List<Integer> labels) {
    return labels.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Names in label order. */
  List<String> names() {
    return names;
  }

  /** The labels of cells, given as places in {@link NameColumn#names()}. */
  int[] labels(int[] cells) {
    return IntStream.of(cells).map(cell -> labels[cell]).toArray();
  }
}
