package dev.acclimate.simulate.report;

import static dev.acclimate.simulate.report.Figures.place;

import dev.acclimate.simulate.data.ImageShape;
import java.util.List;

/** Windows of a time series, one row a channel, as SVG. */
final class SignalStrip {
  private static final double WIDTH = 480;
  private static final double ROW = 36;
  private static final int MOST_CHANNELS = 6;
  private static final int MOST_POINTS = 160;

  private final ImageShape shape;
  private final double[] low;
  private final double[] high;

  /**
   * Strips on a common scale.
   *
   * @param domains all samples that will be drawn, {@code [C, 1, L]} each
   */
  SignalStrip(ImageShape shape, List<List<float[]>> domains) {
    this.shape = shape;
    int channels = channels();
    low = new double[channels];
    high = new double[channels];
    for (int c = 0; c < channels; c++) {
      low[c] = Double.POSITIVE_INFINITY;
      high[c] = Double.NEGATIVE_INFINITY;
      for (List<float[]> samples : domains) {
        for (float[] sample : samples) {
          for (int t = 0; t < shape.plane(); t++) {
            low[c] = Math.min(low[c], sample[c * shape.plane() + t]);
            high[c] = Math.max(high[c], sample[c * shape.plane() + t]);
          }
        }
      }
    }
  }

  private int channels() {
    return Math.min(MOST_CHANNELS, shape.channels());
  }

  /** Draws samples one after the other. */
  void write(Markup page, String title, List<float[]> samples) {
    int channels = channels();
    page.open(
        "svg",
        "class",
        "signal",
        "viewBox",
        "0 0 " + place(WIDTH) + " " + place(ROW * channels),
        "role",
        "img",
        "aria-label",
        title);
    double each = WIDTH / samples.size();
    for (int i = 0; i < samples.size(); i++) {
      for (int c = 0; c < channels; c++) {
        String style = "line c" + (c % 8 + 1);
        page.element(
            "polyline",
            "",
            "class",
            style,
            "points",
            points(samples.get(i), c, i * each, each - 6));
      }
    }
    page.close();
  }

  private String points(float[] sample, int channel, double left, double width) {
    int length = shape.plane();
    int count = Math.min(MOST_POINTS, length);
    double range = Math.max(high[channel] - low[channel], 1e-12);
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < count; i++) {
      int t = (int) ((long) i * length / count);
      double part = (sample[channel * length + t] - low[channel]) / range;
      double x = left + width * i / Math.max(1, count - 1);
      double y = ROW * channel + 3 + (ROW - 6) * (1 - part);
      points.append(i == 0 ? "" : " ").append(place(x)).append(',').append(place(y));
    }
    return points.toString();
  }
}
