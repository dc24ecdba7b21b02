package dev.acclimate.adapters;

/**
 * One kind of value that every adapted site keeps.
 *
 * @param name what the packed tensor is called, such as {@code component_mean}
 * @param rows K for {@code [K, C]} values, 0 for plain {@code [C]} vectors
 */
public record StateKind(String name, int rows) {

  int values(int channels) {
    return Math.max(rows, 1) * channels;
  }

  long[] packedShape(int totalChannels) {
    return rows == 0 ? new long[] {totalChannels} : new long[] {rows, totalChannels};
  }
}
