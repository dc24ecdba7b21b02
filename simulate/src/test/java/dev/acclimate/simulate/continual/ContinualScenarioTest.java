package dev.acclimate.simulate.continual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ContinualScenarioTest {
  private static final ImageSet TRAIN = BuiltinImages.train(120, 0);
  private static final ImageSet TEST = BuiltinImages.test(60, 0);
  private static final List<Shift> DOMAINS = List.of(Shift.NONE, new Shift(Corruption.CONTRAST, 5));

  private static List<LearningTask> tasks(ContinualScenario scenario, int tasks, int samples) {
    return scenario.tasks(TRAIN, TEST, tasks, samples, 50, DOMAINS, 3);
  }

  private static float[] image(ImageSet images, int index) {
    float[] chw = new float[images.shape().size()];
    images.read(index, chw);
    return chw;
  }

  @Test
  void classesAreSplitAndEachSampleComesOnce() {
    List<LearningTask> tasks = tasks(ContinualScenario.CLASS, 3, Integer.MAX_VALUE);

    assertThat(tasks.stream().mapToInt(task -> task.train().size()).sum()).isEqualTo(120);
    TreeSet<Integer> seen = new TreeSet<>();
    for (LearningTask task : tasks) {
      TreeSet<Integer> own = new TreeSet<>();
      Arrays.stream(task.train().labels()).forEach(own::add);
      assertThat(seen).doesNotContainAnyElementsOf(own);
      assertThat(Arrays.stream(task.test().labels()).boxed()).allMatch(own::contains);
      seen.addAll(own);
    }
    assertThat(seen).hasSize(10);
  }

  @Test
  void domainsShareTheSamplesOutAndChangeWhatTheyLookLike() {
    List<LearningTask> tasks = tasks(ContinualScenario.DOMAIN, 2, Integer.MAX_VALUE);

    assertThat(tasks).extracting(LearningTask::name).containsExactly("none", "contrast");
    assertThat(tasks.get(0).train().size() + tasks.get(1).train().size()).isEqualTo(120);
    assertThat(image(tasks.get(0).train(), 0)).isEqualTo(image(TRAIN, 0));
    assertThat(image(tasks.get(1).train(), 0)).isNotEqualTo(image(TRAIN, 60));
    assertThat(tasks.get(1).test().labels()).isEqualTo(tasks.get(0).test().labels());
  }

  @Test
  void permutedImagesHoldTheSameValuesInAnotherOrderPerTask() {
    List<LearningTask> tasks = tasks(ContinualScenario.PERMUTED, 2, 20);

    float[] first = image(tasks.get(0).train(), 5);
    float[] original = image(TRAIN, 5);
    assertThat(first).isNotEqualTo(original);
    for (int channel = 0; channel < 3; channel++) {
      float[] plane = Arrays.copyOfRange(first, channel * 1024, (channel + 1) * 1024);
      float[] expected = Arrays.copyOfRange(original, channel * 1024, (channel + 1) * 1024);
      Arrays.sort(plane);
      Arrays.sort(expected);
      assertThat(plane).isEqualTo(expected);
    }
    assertThat(image(tasks.get(1).test(), 5)).isNotEqualTo(image(tasks.get(0).test(), 5));
  }

  @Test
  void relabelledTasksCallClassesByEachOthersNames() {
    List<LearningTask> tasks = tasks(ContinualScenario.RELABELLED, 2, 40);

    int[] labels = tasks.get(1).train().labels();
    int[] original = TRAIN.window(40, 40).labels();
    int[] map = new int[10];
    Arrays.fill(map, -1);
    for (int i = 0; i < labels.length; i++) {
      assertThat(map[original[i]]).isIn(-1, labels[i]);
      map[original[i]] = labels[i];
    }
    assertThat(labels).isNotEqualTo(original);
    for (int i = 0; i < 50; i++) {
      assertThat(tasks.get(1).test().label(i)).isIn(-1, map[TEST.label(i)]);
    }
  }

  @Test
  void whatCannotBeDividedIsRefused() {
    assertThatThrownBy(() -> tasks(ContinualScenario.CLASS, 11, 10))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("--tasks: expected up to 10, the number of classes, found 11");
    assertThatThrownBy(() -> ContinualScenario.parse("time"))
        .hasMessage(
            "--scenario: expected one of [class, domain, permuted, relabelled], found time");
  }
}
