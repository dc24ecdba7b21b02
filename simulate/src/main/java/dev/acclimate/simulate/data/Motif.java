package dev.acclimate.simulate.data;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;
import java.util.Locale;

/** What an image of {@link BuiltinImages} shows; the order is that of the labels. */
enum Motif {
  DISC,
  RING,
  TRIANGLE,
  SQUARE,
  CROSS,
  STAR,
  HORIZONTAL_STRIPES,
  DIAGONAL_STRIPES,
  CHECKERBOARD,
  DOTS;

  /** The distance of a point to an outline, negative inside: edges can then be drawn smoothly. */
  @FunctionalInterface
  interface Outline {
    double distance(double x, double y);
  }

  /** In label order. */
  static final List<Motif> ALL = List.of(values());

  /** Those that are one object. */
  static final List<Motif> SHAPES = ALL.stream().filter(motif -> !motif.texture()).toList();

  static List<String> names() {
    return ALL.stream()
        .map(motif -> motif.name().toLowerCase(Locale.ROOT).replace('_', '-'))
        .toList();
  }

  /** Whether this repeats over an area, rather than being one object. */
  boolean texture() {
    return switch (this) {
      case HORIZONTAL_STRIPES, DIAGONAL_STRIPES, CHECKERBOARD, DOTS -> true;
      default -> false;
    };
  }

  /**
   * How far this may be turned, as {lowest, highest} in radians. Stripes must keep the direction
   * that tells them apart.
   */
  double[] turns() {
    return switch (this) {
      case HORIZONTAL_STRIPES -> new double[] {-0.2, 0.2};
      case DIAGONAL_STRIPES -> new double[] {0.52, 1.05};
      default -> new double[] {-Math.PI, Math.PI};
    };
  }

  /**
   * An outline centred on the origin.
   *
   * @param radius of the object, or of the area that a texture fills, in pixels
   */
  Outline outline(double radius, SeededRandom random) {
    return switch (this) {
      case DISC -> (x, y) -> Math.hypot(x, y) - radius;
      case RING -> {
        double hole = radius * random.nextDouble(0.35, 0.7);
        yield (x, y) -> Math.abs(Math.hypot(x, y) - (radius + hole) / 2) - (radius - hole) / 2;
      }
      case TRIANGLE -> polygon(3, radius * 0.6);
      case SQUARE -> (x, y) -> Math.max(Math.abs(x), Math.abs(y)) - radius * 0.8;
      case CROSS -> {
        double arm = radius * random.nextDouble(0.2, 0.38);
        yield (x, y) ->
            Math.min(
                Math.max(Math.abs(x) - radius, Math.abs(y) - arm),
                Math.max(Math.abs(y) - radius, Math.abs(x) - arm));
      }
      case STAR -> star(5, radius * 1.1, radius * random.nextDouble(0.42, 0.55));
      case HORIZONTAL_STRIPES, DIAGONAL_STRIPES -> {
        double period = random.nextDouble(3.6, 8);
        double phase = random.nextDouble();
        yield within(radius, random, (x, y) -> (wave(y / period + phase) - 0.25) * period);
      }
      case CHECKERBOARD -> {
        double period = random.nextDouble(5.5, 11);
        double phase = random.nextDouble();
        yield within(
            radius,
            random,
            (x, y) -> {
              double across = (wave(x / period + phase) - 0.25) * period;
              double down = (wave(y / period + phase) - 0.25) * period;
              double nearest = Math.min(Math.abs(across), Math.abs(down));
              return across * down > 0 ? -nearest : nearest;
            });
      }
      case DOTS -> {
        double period = random.nextDouble(5, 9);
        double dot = period * random.nextDouble(0.24, 0.36);
        double phase = random.nextDouble();
        yield within(
            radius,
            random,
            (x, y) ->
                Math.hypot(wave(x / period + phase) * period, wave(y / period + phase) * period)
                    - dot);
      }
    };
  }

  /** Cuts a texture to an area, a disc or a square. */
  private static Outline within(double radius, SeededRandom random, Outline texture) {
    Outline area =
        random.nextDouble() < 0.5
            ? (x, y) -> Math.hypot(x, y) - radius
            : (x, y) -> Math.max(Math.abs(x), Math.abs(y)) - radius * 0.85;
    return (x, y) -> Math.max(texture.distance(x, y), area.distance(x, y));
  }

  /** Distance to the nearest whole number, 0 to 0.5. */
  private static double wave(double t) {
    return Math.abs(t - Math.rint(t));
  }

  private static Outline polygon(int sides, double apothem) {
    double sector = 2 * Math.PI / sides;
    return (x, y) -> {
      double angle = Math.atan2(y, x);
      double folded = angle - sector * Math.rint(angle / sector);
      return Math.hypot(x, y) * Math.cos(folded) - apothem;
    };
  }

  private static Outline star(int points, double outer, double inner) {
    double sector = 2 * Math.PI / points;
    // the edge from a tip at (outer, 0) to the notch next to it
    double notchX = inner * Math.cos(sector / 2);
    double notchY = inner * Math.sin(sector / 2);
    double length = Math.hypot(outer - notchX, notchY);
    double normalX = notchY / length;
    double normalY = (outer - notchX) / length;
    return (x, y) -> {
      double angle = Math.atan2(y, x);
      double folded = Math.abs(angle - sector * Math.rint(angle / sector));
      double distance = Math.hypot(x, y);
      return (distance * Math.cos(folded) - outer) * normalX
          + distance * Math.sin(folded) * normalY;
    };
  }
}
