package dev.acclimate.models;

/**
 * One axis of a declared shape: a fixed size, or a symbol such as {@code batch} (empty when the
 * model does not name it) that each run binds anew.
 *
 * @param size entries along the axis, -1 when it is not fixed
 * @param symbol the axis's name, empty when fixed or unnamed
 */
public record Dimension(long size, String symbol) {

  public static Dimension fixed(long size) {
    return new Dimension(size, "");
  }

  public static Dimension symbolic(String symbol) {
    return new Dimension(-1, symbol);
  }

  public boolean isFixed() {
    return size >= 0;
  }

  @Override
  public String toString() {
    return isFixed() ? Long.toString(size) : symbol.isEmpty() ? "?" : symbol;
  }
}
