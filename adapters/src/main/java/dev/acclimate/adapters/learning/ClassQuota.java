package dev.acclimate.adapters.learning;

import java.util.Comparator;
import java.util.Map;
import java.util.NavigableSet;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Class-balancing reservoir sampling, Chrysakis and Moens 2020 (ICML), algorithm 1: while a class
 * has never been the largest of a full buffer, each of its samples is kept and takes the place of
 * one of the largest class. From then on it stays within one of the largest, and its samples take
 * each other's places so that each of them had the same chance.
 */
final class ClassQuota {
  /** Of {@link #table}: label, samples seen, 1 where it has been among the largest. */
  static final int COLUMNS = 3;

  private static final class Share {
    /** Sorted, so that what is drawn depends on what is held, not on how it came there. */
    private final NavigableSet<Integer> places = new TreeSet<>();

    private long seen;
    private boolean full;

    int pick(SplittableRandom random) {
      return places.stream().skip(random.nextInt(places.size())).findFirst().orElseThrow();
    }
  }

  private final Map<Long, Share> shares = new TreeMap<>();

  /** Where the next sample of a class goes, -1 where it is not kept. */
  int place(long label, int size, int capacity, SplittableRandom random) {
    Share own = shares.computeIfAbsent(label, unseen -> new Share());
    own.seen++;
    if (size < capacity) {
      own.places.add(size);
      return size;
    }
    Share largest = markLargest();
    if (own.full) {
      return random.nextLong(own.seen) < own.places.size() ? own.pick(random) : -1;
    }
    int place = largest.pick(random);
    largest.places.remove(place);
    own.places.add(place);
    return place;
  }

  private Share markLargest() {
    Share largest =
        shares.values().stream()
            .max(Comparator.comparingInt(share -> share.places.size()))
            .orElseThrow();
    for (Share share : shares.values()) {
      share.full |= share.places.size() == largest.places.size();
    }
    return largest;
  }

  /** What it remembers of each class beside the samples themselves. */
  long[][] table() {
    return shares.entrySet().stream()
        .map(
            entry ->
                new long[] {entry.getKey(), entry.getValue().seen, entry.getValue().full ? 1 : 0})
        .toArray(long[][]::new);
  }

  /** Takes a table up again, row after row, and the labels of the samples held. */
  void restore(long[] table, long[] labels, int size) {
    for (int i = 0; i + COLUMNS <= table.length; i += COLUMNS) {
      Share share = new Share();
      share.seen = table[i + 1];
      share.full = table[i + 2] != 0;
      shares.put(table[i], share);
    }
    for (int place = 0; place < size; place++) {
      shares.computeIfAbsent(labels[place], unseen -> new Share()).places.add(place);
    }
  }
}
