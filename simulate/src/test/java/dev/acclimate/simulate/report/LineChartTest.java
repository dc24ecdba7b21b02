package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.simulate.report.LineChart.Axis;
import dev.acclimate.simulate.report.LineChart.Band;
import dev.acclimate.simulate.report.LineChart.Line;
import dev.acclimate.simulate.report.LineChart.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Drawings whose values can be read off again. */
class LineChartTest {

  private static String svg(List<Band> bands, Line... lines) {
    Markup page = new Markup();
    new LineChart(
            "test",
            new Size(1000, 300),
            Axis.upTo("samples", 1000, 10),
            new Axis("accuracy", 0, 100, 20, 1),
            bands,
            List.of(lines))
        .write(page);
    return page.toString();
  }

  private static double[] numbers(String svg, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(svg);
    assertThat(matcher.find()).isTrue();
    return Pattern.compile("[ ,]")
        .splitAsStream(matcher.group(1))
        .mapToDouble(Double::parseDouble)
        .toArray();
  }

  @Property(tries = 100)
  void valuesReadOffTheDrawingAreThoseThatWentIn(
      @ForAll @DoubleRange(max = 1000) double x, @ForAll @DoubleRange(max = 100) double y) {
    String svg = svg(List.of(), new Line("a", "c1", new double[] {x}, new double[] {y}));

    double[] plot = numbers(svg, "data-plot=\"([^\"]*)\"");
    double[] point = numbers(svg, "points=\"([^\"]*)\"");
    assertThat((point[0] - plot[0]) / (plot[2] - plot[0]) * 1000).isCloseTo(x, within(0.1));
    assertThat((plot[3] - point[1]) / (plot[3] - plot[1]) * 100).isCloseTo(y, within(0.1));
  }

  @Property(tries = 100)
  void namesOfLinesNeverLieUponOneAnother(
      @ForAll @IntRange(min = 1, max = 12) int count,
      @ForAll @DoubleRange(max = 100) double first,
      @ForAll @DoubleRange(max = 3) double apart) {
    Line[] lines =
        IntStream.range(0, count)
            .mapToObj(
                i ->
                    new Line(
                        "m" + i,
                        "c1",
                        new double[] {1000},
                        new double[] {Math.min(100, first + i * apart)}))
            .toArray(Line[]::new);

    String svg = svg(List.of(), lines);

    Matcher label = Pattern.compile("class=\"label c1\" x=\"[^\"]*\" y=\"([^\"]*)\"").matcher(svg);
    List<Double> places = new ArrayList<>();
    while (label.find()) {
      places.add(Double.parseDouble(label.group(1)));
    }
    assertThat(places).hasSize(count);
    for (int i = 1; i < count; i++) {
      assertThat(places.get(i) - places.get(i - 1)).isGreaterThanOrEqualTo(14.8);
    }
  }

  @Test
  void gapsAreLeftOut() {
    double[] x = {0, 500, 1000};
    String svg = svg(List.of(), new Line("a", "c1", x, new double[] {50, Double.NaN, 60}));

    assertThat(numbers(svg, "points=\"([^\"]*)\"")).hasSize(4);
    assertThat(svg).doesNotContain("NaN");
  }

  @Test
  void namesOfNarrowBandsStandAslant() {
    Line line = new Line("a", "c1", new double[] {0, 1000}, new double[] {1, 2});
    List<Band> narrow =
        IntStream.range(0, 16)
            .mapToObj(i -> new Band("elastic_transform", i * 62.5, (i + 1) * 62.5, false))
            .toList();

    assertThat(svg(narrow, line)).contains("slanted");
    assertThat(svg(List.of(new Band("none", 0, 1000, true)), line)).doesNotContain("slanted");
  }
}
