package dev.acclimate.simulate.report;

import dev.acclimate.simulate.DomainProfile;
import dev.acclimate.simulate.StreamProfile;
import dev.acclimate.simulate.data.Values;
import java.util.List;

/** Samples of each domain. */
final class Gallery {
  /** For all images together, before they are compressed. */
  private static final long BYTES = 600_000;

  private static final int FEWEST = 3;
  private static final int SIGNALS = 3;

  /** Small images are shown so many times as large. */
  private static final int SCALE = 2;

  private final StreamProfile profile;

  Gallery(StreamProfile profile) {
    this.profile = profile;
  }

  void write(Markup page) {
    boolean series = profile.shape().height() == 1;
    page.open("div", "class", "gallery");
    if (series) {
      series(page);
    } else {
      images(page);
    }
    page.close();
  }

  private void images(Markup page) {
    long budget = BYTES / SampleStrip.bytes(profile.shape()) / profile.domains().size();
    double low = 0;
    double high = 1;
    if (profile.values() != Values.PIXELS) {
      low = extreme(-1);
      high = Math.max(extreme(1), low + 1e-9);
    }
    for (DomainProfile domain : profile.domains()) {
      int count = (int) Math.max(FEWEST, Math.min(domain.samples().size(), budget));
      SampleStrip strip = SampleStrip.of(profile.shape(), first(domain, count), low, high);
      page.open("figure");
      page.open(
          "img",
          "class",
          "strip",
          "alt",
          "samples of " + domain.domain(),
          "width",
          Integer.toString(SCALE * strip.width()),
          "height",
          Integer.toString(SCALE * strip.height()),
          "src",
          strip.dataUri());
      caption(page, domain);
      page.close();
    }
  }

  private double extreme(int sign) {
    double extreme = Double.NEGATIVE_INFINITY;
    for (DomainProfile domain : profile.domains()) {
      for (float[] sample : domain.samples()) {
        for (float value : sample) {
          extreme = Math.max(extreme, sign * value);
        }
      }
    }
    return sign * extreme;
  }

  private void series(Markup page) {
    List<List<float[]>> all =
        profile.domains().stream().map(domain -> first(domain, SIGNALS)).toList();
    SignalStrip strip = new SignalStrip(profile.shape(), all);
    for (int d = 0; d < all.size(); d++) {
      DomainProfile domain = profile.domains().get(d);
      page.open("figure");
      strip.write(page, "samples of " + domain.domain(), all.get(d));
      caption(page, domain);
      page.close();
    }
  }

  private static void caption(Markup page, DomainProfile domain) {
    page.open("figcaption").name(domain.domain()).close();
  }

  private static List<float[]> first(DomainProfile domain, int count) {
    return domain.samples().subList(0, Math.min(count, domain.samples().size()));
  }
}
