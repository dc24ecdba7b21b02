package dev.acclimate.simulate.corruptions;

import java.util.Arrays;

/**
 * Where water gleams: its height, times an embossed map of how far the nearest edge is.
 *
 * <p>The published recipe chains filters of OpenCV, whose definitions this follows, on bytes: edges
 * by Canny (1986, "A computational approach to edge detection"), chamfer distances (Borgefors 1986,
 * "Distance transformations in digital images") cut off at 20 pixels, a 3x3 mean, an equalized
 * histogram, a 3x3 emboss and another mean.
 */
final class WaterEdges {

  /** Steepness (sum of both Sobel filters' magnitudes) that an edge goes on at. */
  private static final int EDGE = 50;

  /** Steepness that an edge starts at. */
  private static final int STEEP_EDGE = 150;

  private static final float FARTHEST = 20;

  /** Lengths of a step to a side, to a corner, and of a knight's move. */
  private static final float SIDE = 1;

  private static final float CORNER = 1.4f;
  private static final float KNIGHT = 2.1969f;

  private static final double SLOPE_22 = Math.sqrt(2) - 1;
  private static final double SLOPE_67 = Math.sqrt(2) + 1;

  private static final int[] EMBOSS = {-2, -1, 0, -1, 1, 1, 0, 1, 2};

  private final int height;
  private final int width;

  WaterEdges(int height, int width) {
    this.height = height;
    this.width = width;
  }

  /**
   * The gleam of each pixel, to be scaled.
   *
   * @param levels {@code [height, width]}, heights of water from 0 to 255
   */
  float[] gleam(int[] levels) {
    float[] distances = distances(edges(levels));
    int[] map = new int[levels.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double sum = 0;
        for (int k = 0; k < 9; k++) {
          sum += distances[neighbour(y, x, k)];
        }
        map[y * width + x] = (int) (float) (sum / 9);
      }
    }
    equalize(map);
    map = emboss(map);
    float[] gleam = new float[levels.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int sum = 0;
        for (int k = 0; k < 9; k++) {
          sum += map[neighbour(y, x, k)];
        }
        gleam[y * width + x] = levels[y * width + x] * ((2 * sum + 9) / 18);
      }
    }
    return gleam;
  }

  /** The k-th pixel, row by row, of the 3x3 around one; beyond the border lies a mirror. */
  private int neighbour(int y, int x, int k) {
    return Border.MIRROR.inside(y + k / 3 - 1, height) * width
        + Border.MIRROR.inside(x + k % 3 - 1, width);
  }

  /** Canny's edges. */
  boolean[] edges(int[] levels) {
    int[] across = new int[levels.length];
    int[] down = new int[levels.length];
    for (int y = 0; y < height; y++) {
      int above = Math.max(0, y - 1) * width;
      int row = y * width;
      int below = Math.min(height - 1, y + 1) * width;
      for (int x = 0; x < width; x++) {
        int left = Math.max(0, x - 1);
        int right = Math.min(width - 1, x + 1);
        int diagonal = levels[below + right] - levels[above + left];
        int counter = levels[above + right] - levels[below + left];
        across[row + x] = diagonal + counter + 2 * (levels[row + right] - levels[row + left]);
        down[row + x] = diagonal - counter + 2 * (levels[below + x] - levels[above + x]);
      }
    }
    boolean[] ridge = new boolean[levels.length];
    boolean[] edge = new boolean[levels.length];
    int[] open = new int[levels.length];
    int count = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int i = y * width + x;
        ridge[i] = isRidge(across, down, y, x);
        if (ridge[i] && steepness(across, down, y, x) > STEEP_EDGE) {
          edge[i] = true;
          open[count++] = i;
        }
      }
    }
    while (count > 0) {
      int i = open[--count];
      for (int k = 0; k < 9; k++) {
        int y = i / width + k / 3 - 1;
        int x = i % width + k % 3 - 1;
        if (inside(y, x) && ridge[y * width + x] && !edge[y * width + x]) {
          edge[y * width + x] = true;
          open[count++] = y * width + x;
        }
      }
    }
    return edge;
  }

  private boolean inside(int y, int x) {
    return y >= 0 && y < height && x >= 0 && x < width;
  }

  /** Whether a pixel is steep enough, and steeper than its neighbours up and down the slope. */
  private boolean isRidge(int[] across, int[] down, int y, int x) {
    int steepness = steepness(across, down, y, x);
    if (steepness <= EDGE) {
      return false;
    }
    int dx = across[y * width + x];
    int dy = down[y * width + x];
    double slope = Math.abs(dy) / (double) Math.abs(dx);
    if (slope < SLOPE_22) {
      return steepness > steepness(across, down, y, x - 1)
          && steepness >= steepness(across, down, y, x + 1);
    }
    if (slope > SLOPE_67) {
      return steepness > steepness(across, down, y - 1, x)
          && steepness >= steepness(across, down, y + 1, x);
    }
    int side = (dx ^ dy) < 0 ? -1 : 1;
    return steepness > steepness(across, down, y - 1, x - side)
        && steepness > steepness(across, down, y + 1, x + side);
  }

  private int steepness(int[] across, int[] down, int y, int x) {
    int i = y * width + x;
    return inside(y, x) ? Math.abs(across[i]) + Math.abs(down[i]) : 0;
  }

  /** How far the nearest edge is from each pixel, at most {@link #FARTHEST}. */
  private float[] distances(boolean[] edges) {
    // two pixels more on each side, so that no step leaves the map
    int pitch = width + 4;
    float[] map = new float[(height + 4) * pitch];
    Arrays.fill(map, FARTHEST);
    int[] steps = {
      -1, -pitch, -pitch - 1, -pitch + 1, -pitch - 2, -pitch + 2, -2 * pitch - 1, -2 * pitch + 1
    };
    float[] lengths = {SIDE, SIDE, CORNER, CORNER, KNIGHT, KNIGHT, KNIGHT, KNIGHT};
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int i = (y + 2) * pitch + x + 2;
        map[i] = edges[y * width + x] ? 0 : nearest(map, i, steps, lengths, 1);
      }
    }
    float[] distances = new float[edges.length];
    for (int y = height - 1; y >= 0; y--) {
      for (int x = width - 1; x >= 0; x--) {
        int i = (y + 2) * pitch + x + 2;
        map[i] = nearest(map, i, steps, lengths, -1);
        distances[y * width + x] = map[i];
      }
    }
    return distances;
  }

  private static float nearest(float[] map, int i, int[] steps, float[] lengths, int direction) {
    float nearest = map[i];
    for (int k = 0; k < steps.length; k++) {
      nearest = Math.min(nearest, map[i + direction * steps[k]] + lengths[k]);
    }
    return nearest;
  }

  /** Spreads the levels so that each is as common as any other, as far as that goes. */
  private static void equalize(int[] levels) {
    int[] histogram = new int[256];
    int lowest = 255;
    for (int level : levels) {
      histogram[level]++;
      lowest = Math.min(lowest, level);
    }
    if (histogram[lowest] == levels.length) {
      return;
    }
    float scale = 255f / (levels.length - histogram[lowest]);
    int[] spread = new int[256];
    int sum = 0;
    for (int level = lowest + 1; level < 256; level++) {
      sum += histogram[level];
      spread[level] = (int) Math.rint(sum * scale);
    }
    for (int i = 0; i < levels.length; i++) {
      levels[i] = spread[levels[i]];
    }
  }

  private int[] emboss(int[] map) {
    int[] embossed = new int[map.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int sum = 0;
        for (int k = 0; k < 9; k++) {
          sum += EMBOSS[k] * map[neighbour(y, x, k)];
        }
        embossed[y * width + x] = Math.max(0, Math.min(255, sum));
      }
    }
    return embossed;
  }
}
