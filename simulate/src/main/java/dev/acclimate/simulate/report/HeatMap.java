package dev.acclimate.simulate.report;

import dev.acclimate.simulate.DomainProfile;
import dev.acclimate.simulate.StreamProfile;
import java.util.List;

/** How far each domain's statistics lie from the source's, site by site. */
final class HeatMap {
  /** Where a colour ends and the next begins, in deviations of the source. */
  private static final double[] LEVELS = {0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3};

  private final StreamProfile profile;
  private final List<DomainProfile> domains;

  HeatMap(StreamProfile profile) {
    this.profile = profile;
    this.domains =
        profile.domains().stream()
            .filter(domain -> domain.shifts().size() == profile.sites().size())
            .toList();
  }

  /** True where nothing was measured. */
  boolean isEmpty() {
    return profile.sites().isEmpty() || domains.isEmpty();
  }

  void write(Markup page) {
    page.open("p", "class", "note")
        .text(
            "What the untouched model's normalization sites meet, against the statistics that it"
                + " stores: 2-Wasserstein distance between the two Gaussians of a channel in standard"
                + " deviations of the source, root mean square over the channels; up to "
                + profile.measured()
                + " samples a domain. 0: as in training; 1: one deviation off. Sites in the order of"
                + " the graph.")
        .close();
    scale(page);
    page.open("div", "class", "wide", "tabindex", "0", "role", "region", "aria-label", "shifts")
        .open("table", "class", "heat")
        .open("thead")
        .open("tr")
        .element("th", "site", "scope", "col");
    domains.forEach(domain -> page.open("th", "scope", "col").name(domain.domain()).close());
    page.close().close().open("tbody");
    for (int s = 0; s < profile.sites().size(); s++) {
      page.open("tr").open("th", "scope", "row", "title", profile.sites().get(s));
      page.open("code").name(shortened(profile.sites().get(s))).close().close();
      for (DomainProfile domain : domains) {
        double shift = domain.shifts().get(s);
        page.element("td", Figures.decimal(shift, 2), "class", "h" + level(shift));
      }
      page.close();
    }
    page.close().close().close();
  }

  private static void scale(Markup page) {
    page.open("ol", "class", "scale", "aria-hidden", "true");
    for (int level = 0; level <= LEVELS.length; level++) {
      String text = level == 0 ? "0" : Double.toString(LEVELS[level - 1]).replaceAll("\\.0$", "");
      page.element("li", text + (level == LEVELS.length ? "+" : ""), "class", "h" + level);
    }
    page.close();
  }

  private static int level(double shift) {
    int level = 0;
    while (level < LEVELS.length && shift >= LEVELS[level]) {
      level++;
    }
    return level;
  }

  /** Without what all names of sites end with. */
  private static String shortened(String site) {
    return site.replaceAll("/BatchNormalization(_output_0)?$", "").replaceAll("^/(?=.)", "");
  }
}
