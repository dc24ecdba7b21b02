package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class SeriesRowsTest {

  private static final CsvFile FILE = new CsvFile(Path.of("any.csv"));

  private record Row(int file, int group, int domain, int label, float first, float second) {
    Row(SeededRandom random, int file, Row before) {
      this(
          file,
          random.nextInt(3),
          // domains and labels last
          random.nextInt(8) == 0 ? random.nextInt(2) : before.domain,
          random.nextInt(3) == 0 ? random.nextInt(4) : before.label,
          (float) random.nextGaussian(),
          (float) random.nextGaussian());
    }
  }

  private record Window(int label, List<Float> values) {}

  @Property(tries = 300)
  void cutsWhatAPlainReferenceCuts(
      @ForAll @IntRange(max = 1_000_000) int seed,
      @ForAll @IntRange(min = 1, max = 9) int window,
      @ForAll @IntRange(min = 1, max = 12) int stride,
      @ForAll boolean grouped,
      @ForAll @IntRange(min = -1, max = 1) int domain) {
    List<Row> rows = rows(SeededRandom.of(seed));
    List<Window> expected = reference(rows, window, stride, grouped, domain);

    SeriesRows series = series(rows, grouped);
    String name = domain < 0 ? null : "d" + domain;

    if (expected.isEmpty()) {
      assertThatThrownBy(() -> series.windows("set", name, window, stride))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageStartingWith("set: expected at least " + window + " rows");
    } else {
      assertThat(windows(series.windows("set", name, window, stride))).isEqualTo(expected);
    }
  }

  @Property(tries = 5)
  void cutsAcrossThePiecesOfAColumn(@ForAll @IntRange(min = 1, max = 5000) int window) {
    NumberColumn column = new NumberColumn("x");
    NameColumn label = new NameColumn("y");
    int rows = 100_000;
    for (int row = 0; row < rows; row++) {
      column.add(row, FILE, row);
      label.add(0, FILE, row);
    }
    SeriesRows series =
        new SeriesRows(
            new int[] {rows},
            List.of(column),
            label,
            SeriesClasses.of(label, List.of(), Stream::of),
            null,
            null);

    ImageSet set = series.windows("set", null, window, window);

    float[] values = new float[window];
    assertThat(set.size()).isEqualTo(rows / window);
    for (int i = 0; i < set.size(); i++) {
      set.read(i, values);
      for (int step = 0; step < window; step++) {
        assertThat(values[step]).isEqualTo(i * window + step);
      }
    }
  }

  private static List<Row> rows(SeededRandom random) {
    List<Row> rows = new ArrayList<>();
    Row last = new Row(0, 0, 0, 0, 0, 0);
    for (int file = 0; file < 3; file++) {
      for (int row = 0; row <= random.nextInt(60); row++) {
        last = new Row(random, file, last);
        rows.add(last);
      }
    }
    return rows;
  }

  private static SeriesRows series(List<Row> rows, boolean grouped) {
    NumberColumn first = new NumberColumn("a");
    NumberColumn second = new NumberColumn("b");
    NameColumn label = new NameColumn("y");
    NameColumn groups = new NameColumn("g");
    NameColumn domains = new NameColumn("d");
    int[] ends = new int[3];
    for (Row row : rows) {
      first.add(row.first, FILE, 1);
      second.add(row.second, FILE, 1);
      label.add(row.label, FILE, 1);
      groups.add("g" + row.group, FILE, 1);
      domains.add("d" + row.domain, FILE, 1);
      ends[row.file] = label.size();
    }
    return new SeriesRows(
        ends,
        List.of(first, second),
        label,
        SeriesClasses.of(label, List.of(), Stream::of),
        grouped ? groups : null,
        domains);
  }

  /** Gathers the rows of each file and group, splits them at each change of domain, and cuts. */
  private static List<Window> reference(
      List<Row> rows, int window, int stride, boolean grouped, int domain) {
    Map<List<Integer>, List<List<Row>>> recordings = new LinkedHashMap<>();
    for (Row row : rows) {
      List<List<Row>> stretches =
          recordings.computeIfAbsent(
              List.of(row.file, grouped ? row.group : 0), key -> new ArrayList<>());
      if (stretches.isEmpty() || stretches.get(stretches.size() - 1).get(0).domain != row.domain) {
        stretches.add(new ArrayList<>());
      }
      stretches.get(stretches.size() - 1).add(row);
    }
    List<Window> windows = new ArrayList<>();
    for (List<List<Row>> stretches : recordings.values()) {
      for (List<Row> stretch : stretches) {
        for (int start = 0; start + window <= stretch.size(); start += stride) {
          if (domain < 0 || stretch.get(0).domain == domain) {
            windows.add(window(stretch.subList(start, start + window)));
          }
        }
      }
    }
    return windows;
  }

  private static Window window(List<Row> rows) {
    Map<Integer, Integer> counts = new LinkedHashMap<>();
    rows.forEach(row -> counts.merge(row.label, 1, Integer::sum));
    int most = counts.values().stream().mapToInt(n -> n).max().orElseThrow();
    int label =
        counts.keySet().stream().filter(key -> counts.get(key) == most).findFirst().orElseThrow();
    List<Float> values = new ArrayList<>();
    rows.forEach(row -> values.add(row.first));
    rows.forEach(row -> values.add(row.second));
    return new Window(label, values);
  }

  private static List<Window> windows(ImageSet set) {
    List<Window> windows = new ArrayList<>();
    float[] values = new float[set.shape().size()];
    for (int i = 0; i < set.size(); i++) {
      set.read(i, values);
      List<Float> copy = new ArrayList<>();
      for (float value : values) {
        copy.add(value);
      }
      windows.add(new Window(set.label(i), copy));
    }
    return windows;
  }
}
