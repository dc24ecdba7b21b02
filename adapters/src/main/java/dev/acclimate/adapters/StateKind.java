package dev.acclimate.adapters;

import java.util.List;

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

  /** The tensor that holds the values of sites of so many channels in all. */
  StateTensor packed(int totalChannels) {
    long width = totalChannels;
    return new StateTensor(name, rows == 0 ? List.of(width) : List.of((long) rows, width));
  }
}
