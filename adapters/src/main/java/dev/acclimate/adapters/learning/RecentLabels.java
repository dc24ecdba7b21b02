package dev.acclimate.adapters.learning;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * The last labelled samples of a stream, to be learnt from again beside newer ones. Drawn are equal
 * parts of all classes, so that a burst of one class does not push the others out of a step.
 *
 * <p>A {@link ReplayBuffer} also holds samples from long ago. What this holds is a function of the
 * last labels alone, and what is drawn of that and a number: so it can be built again from the end
 * of a log, and then draws what it would have drawn. Not thread-safe.
 *
 * @param <S> a sample
 */
public final class RecentLabels<S> {
  /** Any odd number does: paths of neighbouring numbers then lie far apart. */
  private static final long STRIDE = 0xD1342543DE82EF95L;

  private final int capacity;
  private final Deque<Labelled<S>> samples = new ArrayDeque<>();

  /**
   * A sample and its class.
   *
   * @param <S> a sample
   */
  public record Labelled<S>(S sample, long label) {}

  /** Nothing yet, and room for so many. */
  public RecentLabels(int capacity) {
    this.capacity = capacity;
  }

  /** Adds the newest; the oldest makes room where there is none. */
  public void add(S sample, long label) {
    if (samples.size() == capacity) {
      samples.remove();
    }
    samples.add(new Labelled<>(sample, label));
  }

  public int size() {
    return samples.size();
  }

  public void clear() {
    samples.clear();
  }

  /**
   * Draws without replacement: of each class one, in random order, then a second one, and so on.
   *
   * @param count how many, fewer where it does not hold so many
   * @param number of the draw
   */
  public List<Labelled<S>> draw(int count, long number) {
    SplittableRandom random = new SplittableRandom(number * STRIDE);
    Map<Long, List<Labelled<S>>> byClass = new TreeMap<>();
    samples.forEach(s -> byClass.computeIfAbsent(s.label(), one -> new ArrayList<>()).add(s));
    List<Labelled<S>> drawn = new ArrayList<>();
    List<List<Labelled<S>>> left = new ArrayList<>(byClass.values());
    while (drawn.size() < count && !left.isEmpty()) {
      shuffle(left, random);
      for (List<Labelled<S>> one : left.subList(0, Math.min(left.size(), count - drawn.size()))) {
        drawn.add(take(one, random));
      }
      left.removeIf(List::isEmpty);
    }
    return drawn;
  }

  private static <T> void shuffle(List<T> list, SplittableRandom random) {
    for (int i = list.size() - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      T one = list.get(i);
      list.set(i, list.get(other));
      list.set(other, one);
    }
  }

  private static <T> T take(List<T> list, SplittableRandom random) {
    int last = list.size() - 1;
    int index = random.nextInt(last + 1);
    T taken = list.get(index);
    list.set(index, list.get(last));
    list.remove(last);
    return taken;
  }
}
