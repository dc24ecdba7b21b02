package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Contrasts of the style sheet's colours, as WCAG 2.2 counts them (4.5 for text, AA). */
class PaletteTest {
  private static final double ENOUGH = 4.5;

  /** Colours by name; those of the dark scheme, which come second, take precedence there. */
  private static Map<String, Integer> colours(boolean dark) {
    String css = PageAssets.load().style();
    int second = css.indexOf("@media (prefers-color-scheme: dark)");
    Map<String, Integer> colours = new HashMap<>();
    Matcher matcher =
        Pattern.compile("--([\\w-]+): #([0-9a-f]{3}(?:[0-9a-f]{3})?);")
            .matcher(dark ? css : css.substring(0, second));
    while (matcher.find()) {
      String hex = matcher.group(2);
      if (hex.length() == 3) {
        hex = hex.replaceAll("(.)", "$1$1");
      }
      colours.put(matcher.group(1), Integer.parseInt(hex, 16));
    }
    return colours;
  }

  private static double luminance(int rgb) {
    double[] weights = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
      double part = (rgb >> 16 - 8 * i & 0xff) / 255.0;
      sum += weights[i] * (part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
  }

  private static double contrast(int one, int other) {
    double a = luminance(one);
    double b = luminance(other);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void textStandsOutFromWhatIsBehindIt(boolean dark) {
    Map<String, Integer> colours = colours(dark);
    for (String back : new String[] {"card", "page", "best", "worse", "band"}) {
      assertThat(contrast(colours.get("text"), colours.get(back))).as(back).isGreaterThan(ENOUGH);
    }
    assertThat(contrast(colours.get("quiet"), colours.get("card"))).isGreaterThan(ENOUGH);
    assertThat(contrast(colours.get("quiet"), colours.get("page"))).isGreaterThan(ENOUGH);
    assertThat(contrast(colours.get("accent"), colours.get("card"))).isGreaterThan(ENOUGH);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void methodsStandOutAsTextAndAsLinesOverBands(boolean dark) {
    Map<String, Integer> colours = colours(dark);
    for (int c = 0; c <= 8; c++) {
      int colour = colours.get("c" + c);
      assertThat(contrast(colour, colours.get("card"))).as("c%d", c).isGreaterThan(ENOUGH);
      assertThat(contrast(colour, colours.get("band"))).as("c%d", c).isGreaterThan(3);
      assertThat(contrast(colour, colours.get("band-odd"))).as("c%d", c).isGreaterThan(3);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void numbersStandOutFromTheHeatMapAndItsLevelsFromOneAnother(boolean dark) {
    Map<String, Integer> colours = colours(dark);
    for (int level = 0; level <= 9; level++) {
      int text = colours.get(level < 6 ? "on-low" : "on-high");
      assertThat(contrast(text, colours.get("h" + level))).as("h%d", level).isGreaterThan(ENOUGH);
      if (level > 0) {
        double before = luminance(colours.get("h" + (level - 1)));
        double here = luminance(colours.get("h" + level));
        assertThat(dark ? here - before : before - here).as("h%d", level).isPositive();
      }
    }
  }
}
