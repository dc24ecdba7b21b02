package dev.acclimate.adapters;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Spherical k-means: groups vectors by direction (Dhillon, Modha 2001), seeded so that the first
 * centres lie far apart (as k-means++ does).
 */
final class DirectionClustering {
  private static final int MOST_ROUNDS = 30;
  private static final double LEAST_NORM = 1e-12;

  private DirectionClustering() {}

  /**
   * The group of each vector, 0 to {@code groups} - 1; none is empty.
   *
   * @param vectors {@code [n, dimensions]}, n at least {@code groups}
   */
  static int[] cluster(double[][] vectors, int groups, long seed) {
    double[][] units = new double[vectors.length][];
    for (int i = 0; i < vectors.length; i++) {
      units[i] = unit(vectors[i]);
    }
    double[][] centres = firstCentres(units, groups, new SplittableRandom(seed));
    int[] group = new int[units.length];
    Arrays.fill(group, -1);
    for (int round = 0; round < MOST_ROUNDS; round++) {
      if (!assign(units, centres, group)) {
        break;
      }
      fillEmpty(units, centres, group);
      for (int k = 0; k < groups; k++) {
        double[] sum = new double[centres[k].length];
        for (int i = 0; i < units.length; i++) {
          if (group[i] == k) {
            for (int c = 0; c < sum.length; c++) {
              sum[c] += units[i][c];
            }
          }
        }
        centres[k] = unit(sum);
      }
    }
    fillEmpty(units, centres, group);
    return group;
  }

  private static double[][] firstCentres(double[][] units, int groups, SplittableRandom random) {
    double[][] centres = new double[groups][];
    double[] distance = new double[units.length];
    Arrays.fill(distance, Double.MAX_VALUE);
    int chosen = random.nextInt(units.length);
    for (int k = 0; k < groups; k++) {
      centres[k] = units[chosen].clone();
      double total = 0;
      for (int i = 0; i < units.length; i++) {
        distance[i] = Math.min(distance[i], Math.max(1 - dot(units[i], centres[k]), 0));
        total += distance[i];
      }
      double target = random.nextDouble() * total;
      chosen = units.length - 1;
      for (int i = 0; i < units.length; i++) {
        target -= distance[i];
        if (target < 0) {
          chosen = i;
          break;
        }
      }
    }
    return centres;
  }

  private static boolean assign(double[][] units, double[][] centres, int[] group) {
    boolean changed = false;
    for (int i = 0; i < units.length; i++) {
      int best = 0;
      double similarity = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < centres.length; k++) {
        double candidate = dot(units[i], centres[k]);
        if (candidate > similarity) {
          similarity = candidate;
          best = k;
        }
      }
      changed |= group[i] != best;
      group[i] = best;
    }
    return changed;
  }

  /** Gives each empty group the vector that fits its own group least. */
  private static void fillEmpty(double[][] units, double[][] centres, int[] group) {
    int[] counts = new int[centres.length];
    for (int k : group) {
      counts[k]++;
    }
    for (int k = 0; k < counts.length; k++) {
      if (counts[k] > 0) {
        continue;
      }
      int outlier = -1;
      double similarity = Double.POSITIVE_INFINITY;
      for (int i = 0; i < units.length; i++) {
        double own = dot(units[i], centres[group[i]]);
        if (counts[group[i]] > 1 && own < similarity) {
          similarity = own;
          outlier = i;
        }
      }
      counts[group[outlier]]--;
      group[outlier] = k;
      counts[k] = 1;
      centres[k] = units[outlier].clone();
    }
  }

  private static double[] unit(double[] vector) {
    double norm = Math.max(Math.sqrt(dot(vector, vector)), LEAST_NORM);
    double[] unit = new double[vector.length];
    for (int c = 0; c < unit.length; c++) {
      unit[c] = vector[c] / norm;
    }
    return unit;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int c = 0; c < a.length; c++) {
      sum += a[c] * b[c];
    }
    return sum;
  }
}
