package dev.acclimate.simulate.corruptions;

/** What a filter sees beyond the edge of an image. */
enum Border {
  /** The outermost pixel again and again: {@code aaa|abcd|ddd}. */
  CLAMP {
    @Override
    int inside(int index, int length) {
      return Math.max(0, Math.min(length - 1, index));
    }
  },
  /** A mirror at the centre of the outermost pixel: {@code dcb|abcd|cba}. */
  MIRROR {
    @Override
    int inside(int index, int length) {
      if (length == 1) {
        return 0;
      }
      int period = 2 * (length - 1);
      int folded = Math.floorMod(index, period);
      return Math.min(folded, period - folded);
    }
  },
  /** A mirror at the outer edge of the outermost pixel: {@code cba|abcd|dcb}. */
  REFLECT {
    @Override
    int inside(int index, int length) {
      int period = 2 * length;
      int folded = Math.floorMod(index, period);
      return Math.min(folded, period - 1 - folded);
    }
  };

  /** The index in {@code [0, length)} that stands in for any {@code index}. */
  abstract int inside(int index, int length);
}
