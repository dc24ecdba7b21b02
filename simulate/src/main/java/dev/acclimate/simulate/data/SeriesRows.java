package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows of sensor values in order of time, and which of them follow on one another: the rows of one
 * file, group and domain. Windows are cut out of those, the first at their beginning, and copied
 * only when they are read.
 */
final class SeriesRows {

  private final List<NumberColumn> channels;
  private final int[] labels;
  private final List<String> classes;
  private final List<String> domains;
  private final List<Stretch> stretches;

  /**
   * Rows that follow on one another.
   *
   * @param from the first one
   * @param to the one behind the last
   * @param domain of all of them
   */
  private record Stretch(int from, int to, int domain) {
    int length() {
      return to - from;
    }
  }

  /**
   * Rows of several files one below another.
   *
   * @param ends how many rows there are up to the end of each file
   * @param groups what tells recordings in a file apart, their rows mixed or not; null where
   *     nothing does
   * @param domains null where there are none
   */
  SeriesRows(
      int[] ends,
      List<NumberColumn> channels,
      NameColumn label,
      SeriesClasses classes,
      @Nullable NameColumn groups,
      @Nullable NameColumn domains) {
    int[] order = groups == null ? null : order(ends, groups.cells());
    this.channels =
        order == null
            ? List.copyOf(channels)
            : channels.stream().map(channel -> channel.inOrder(order)).toList();
    this.labels = ordered(classes.labels(label.cells()), order);
    this.classes = classes.names();
    this.domains =
        domains == null ? List.of() : domains.names().stream().map(name -> name.text()).toList();
    this.stretches =
        stretches(
            ends,
            groups == null ? null : ordered(groups.cells(), order),
            domains == null ? null : ordered(domains.cells(), order));
  }

  /**
   * The order in which each file's groups follow one another, the first to come first; null where
   * they do already.
   */
  private static int @Nullable [] order(int[] ends, int[] groups) {
    long[] keys = new long[groups.length];
    boolean mixed = false;
    int from = 0;
    for (int end : ends) {
      Map<Integer, Integer> ranks = new HashMap<>();
      long rank = 0;
      for (int row = from; row < end; row++) {
        if (row == from || groups[row] != groups[row - 1]) {
          long last = rank;
          rank = ranks.computeIfAbsent(groups[row], group -> ranks.size());
          mixed |= rank < last;
        }
        keys[row] = rank << Integer.SIZE | row;
      }
      Arrays.sort(keys, from, end);
      from = end;
    }
    return mixed ? Arrays.stream(keys).mapToInt(key -> (int) key).toArray() : null;
  }

  private static int[] ordered(int[] values, int @Nullable [] order) {
    return order == null ? values : IntStream.of(order).map(row -> values[row]).toArray();
  }

  private static List<Stretch> stretches(
      int[] ends, int @Nullable [] groups, int @Nullable [] domains) {
    List<Stretch> found = new ArrayList<>();
    int from = 0;
    for (int end : ends) {
      for (int row = from + 1; row <= end; row++) {
        if (row == end || changes(groups, row) || changes(domains, row)) {
          found.add(new Stretch(from, row, domains == null ? 0 : domains[from]));
          from = row;
        }
      }
    }
    return found;
  }

  private static boolean changes(int @Nullable [] values, int row) {
    return values != null && values[row] != values[row - 1];
  }

  /** Names of the domains, in the order in which they come. */
  List<String> domains() {
    return domains;
  }

  /**
   * Cuts windows. A window's label is the one that most of its rows have; of several the one that
   * comes first.
   *
   * @param domain the only one to cut windows out of; null for all
   * @param window rows in each
   * @param stride rows from one's start to the next one's
   * @throws InvalidInputException if no stretch of rows is long enough for a window
   */
  ImageSet windows(String name, @Nullable String domain, int window, int stride) {
    List<Stretch> wanted =
        stretches.stream()
            .filter(stretch -> domain == null || stretch.domain() == domains.indexOf(domain))
            .toList();
    int[] starts =
        wanted.stream()
            .flatMapToInt(
                stretch ->
                    IntStream.iterate(
                        stretch.from(),
                        start -> start <= stretch.to() - window,
                        start -> start + stride))
            .toArray();
    if (starts.length == 0) {
      throw new InvalidInputException(
          "%s: expected at least %,d rows that follow on one another, a window, found at most %,d"
              .formatted(name, window, wanted.stream().mapToInt(Stretch::length).max().orElse(0)));
    }
    ImageShape shape = new ImageShape(channels.size(), 1, window);
    return ImageSet.of(
        name,
        shape,
        classes,
        majorities(starts, window),
        Values.MEASUREMENTS,
        (index, chw) -> {
          for (int channel = 0; channel < channels.size(); channel++) {
            channels.get(channel).copy(starts[index], window, chw, channel * window);
          }
        });
  }

  private int[] majorities(int[] starts, int window) {
    int[] counts = new int[classes.size()];
    int[] majorities = new int[starts.length];
    for (int i = 0; i < starts.length; i++) {
      int end = starts[i] + window;
      for (int row = starts[i]; row < end; row++) {
        counts[labels[row]]++;
      }
      int most = labels[starts[i]];
      for (int row = starts[i]; row < end; row++) {
        if (counts[labels[row]] > counts[most]) {
          most = labels[row];
        }
      }
      majorities[i] = most;
      for (int row = starts[i]; row < end; row++) {
        counts[labels[row]] = 0;
      }
    }
    return majorities;
  }
}
