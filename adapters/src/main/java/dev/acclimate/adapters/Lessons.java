package dev.acclimate.adapters;

/**
 * How labels that come after the answers become steps.
 *
 * @param labels newly labelled samples that make up a step
 * @param replay earlier labelled samples that are learnt from again in each step
 * @param memory how many labelled samples are kept for that, the last ones
 */
public record Lessons(int labels, int replay, int memory) {

  static Lessons read(OptionReader options) {
    return new Lessons(
        options.integer("labels", 32, 1, 4096),
        options.integer("replay", 32, 0, 4096),
        options.integer("memory", 512, 1, 1 << 20));
  }
}
