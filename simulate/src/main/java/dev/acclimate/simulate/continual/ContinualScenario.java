package dev.acclimate.simulate.continual;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** How one task differs from the next. */
public enum ContinualScenario {
  /** Each has its own classes, in label order: Split CIFAR-10 and the like. */
  CLASS {
    @Override
    List<LearningTask> make(Parts parts, int tasks, List<Shift> domains, long seed) {
      int classes = parts.train.classes().size();
      if (tasks > classes) {
        throw new InvalidInputException(
            "--tasks: expected up to %d, the number of classes, found %d"
                .formatted(classes, tasks));
      }
      List<LearningTask> made = new ArrayList<>();
      for (int task = 0; task < tasks; task++) {
        int from = task * classes / tasks;
        int to = (task + 1) * classes / tasks;
        String name = String.join(", ", parts.train.classes().subList(from, to));
        ImageSet train = ofClasses(parts.train, from, to).head(parts.trainSamples);
        ImageSet test = ofClasses(parts.test, from, to).head(parts.testSamples);
        made.add(new LearningTask(name, train, test));
      }
      return made;
    }
  },

  /** Each shows all classes under another corruption. */
  DOMAIN {
    @Override
    List<LearningTask> make(Parts parts, int tasks, List<Shift> domains, long seed) {
      List<LearningTask> made = new ArrayList<>();
      for (int task = 0; task < tasks; task++) {
        Shift shift = domains.get(task % domains.size());
        made.add(
            new LearningTask(
                shift.corruption().id(),
                under(shift, parts.trainOf(task, tasks), seed),
                under(shift, parts.test.head(parts.testSamples), seed)));
      }
      return made;
    }
  },

  /** Each has its pixels in another order, the same one in all images and channels. */
  PERMUTED {
    @Override
    List<LearningTask> make(Parts parts, int tasks, List<Shift> domains, long seed) {
      List<LearningTask> made = new ArrayList<>();
      for (int task = 0; task < tasks; task++) {
        int[] places = permutation(parts.train.shape().plane(), seed, task);
        made.add(
            new LearningTask(
                "order " + (task + 1),
                permuted(parts.trainOf(task, tasks), places),
                permuted(parts.test.head(parts.testSamples), places)));
      }
      return made;
    }
  },

  /** Each calls the classes by each other's names. */
  RELABELLED {
    @Override
    List<LearningTask> make(Parts parts, int tasks, List<Shift> domains, long seed) {
      List<LearningTask> made = new ArrayList<>();
      for (int task = 0; task < tasks; task++) {
        int[] labels = permutation(parts.train.classes().size(), seed, task);
        made.add(
            new LearningTask(
                "labels " + (task + 1),
                parts.trainOf(task, tasks).relabelled(old -> labels[old]),
                parts.test.head(parts.testSamples).relabelled(old -> labels[old])));
      }
      return made;
    }
  };

  /** The data, and how much of them a task takes. */
  private record Parts(ImageSet train, ImageSet test, int trainSamples, int testSamples) {
    /** A task's own share of the training part, or the next window of it where that is asked. */
    ImageSet trainOf(int task, int tasks) {
      int samples = Math.min(trainSamples, train.size());
      if (trainSamples == Integer.MAX_VALUE) {
        samples = Math.max(1, train.size() / tasks);
      }
      return train.window((long) task * samples, samples);
    }
  }

  abstract List<LearningTask> make(Parts parts, int tasks, List<Shift> domains, long seed);

  /**
   * The tasks, in their order.
   *
   * @param tasks how many, at least 2
   * @param trainSamples a task at most; {@link Integer#MAX_VALUE} for its share of all there are
   * @param testSamples a task at most
   * @param domains what {@link #DOMAIN} goes through, again and again
   * @param seed of permutations and corruptions
   * @throws InvalidInputException when the data cannot be divided so
   */
  public List<LearningTask> tasks(
      ImageSet train,
      ImageSet test,
      int tasks,
      int trainSamples,
      int testSamples,
      List<Shift> domains,
      long seed) {
    if (tasks < 2) {
      throw new InvalidInputException("--tasks: expected at least 2, found " + tasks);
    }
    return make(new Parts(train, test, trainSamples, testSamples), tasks, domains, seed);
  }

  /** True where old tasks are contradicted by newer ones, so that only the newest can be judged. */
  public boolean forgetsByDesign() {
    return this == RELABELLED || this == PERMUTED;
  }

  private static ImageSet ofClasses(ImageSet images, int from, int to) {
    int[] chosen =
        IntStream.range(0, images.size())
            .filter(i -> images.label(i) >= from && images.label(i) < to)
            .toArray();
    return images.subset(chosen);
  }

  private static ImageSet under(Shift shift, ImageSet images, long seed) {
    if (shift.corruption() == Corruption.NONE) {
      return images;
    }
    return images.mapped(Corrupter.of(shift, images, seed)::corrupt);
  }

  private static int[] permutation(int size, long seed, int task) {
    int[] places = IntStream.range(0, size).toArray();
    SeededRandom.of(seed, "permutation".hashCode(), task).shuffle(places);
    return places;
  }

  private static ImageSet permuted(ImageSet images, int[] places) {
    ImageShape shape = images.shape();
    return images.mapped(
        (index, chw) -> {
          float[] before = chw.clone();
          for (int channel = 0; channel < shape.channels(); channel++) {
            int from = channel * shape.plane();
            for (int place = 0; place < places.length; place++) {
              chw[from + place] = before[from + places[place]];
            }
          }
        });
  }

  /**
   * Reads a name.
   *
   * @throws InvalidInputException when there is no such scenario
   */
  public static ContinualScenario parse(String name) {
    return Arrays.stream(values())
        .filter(scenario -> scenario.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "--scenario: expected one of %s, found %s"
                        .formatted(Arrays.toString(values()), name)));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
