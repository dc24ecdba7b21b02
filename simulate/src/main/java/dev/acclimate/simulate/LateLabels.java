package dev.acclimate.simulate;

import dev.acclimate.adapters.Lessons;
import dev.acclimate.adapters.learning.LabelledBatch;
import dev.acclimate.adapters.learning.RecentLabels;
import dev.acclimate.adapters.learning.RecentLabels.Labelled;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** Labels that come some batches after the answers, and the steps that a model makes of them. */
final class LateLabels implements AutoCloseable {
  private final ServedModel model;
  private final Lessons lessons;
  private final int delay;
  private final String input;
  private final LabelledBatch batch;
  private final RecentLabels<float[]> earlier;
  private final Deque<List<Labelled<float[]>>> underWay = new ArrayDeque<>();
  private final List<Labelled<float[]>> fresh = new ArrayList<>();
  private long learnt;

  /**
   * Labels for a model.
   *
   * @param delay batches that are answered between a batch and its labels
   * @param input the name of the model's input
   * @param sampleShape of a sample, without the batch axis
   */
  LateLabels(ServedModel model, Lessons lessons, int delay, String input, long[] sampleShape) {
    this.model = model;
    this.lessons = lessons;
    this.delay = delay;
    this.input = input;
    this.batch = new LabelledBatch(lessons.labels() + lessons.replay(), sampleShape);
    this.earlier = new RecentLabels<>(lessons.memory());
  }

  /** Forgets all that is under way and all that was kept. */
  void reset() {
    underWay.clear();
    fresh.clear();
    earlier.clear();
    learnt = 0;
  }

  /**
   * A batch was answered: learns from the labels that have come by now.
   *
   * @param samples {@code [B, ...]}; copied
   * @param labels of the samples
   */
  void answered(Tensor samples, int[] labels) {
    FloatBuffer values = samples.floats();
    int size = labels.length == 0 ? 0 : values.capacity() / labels.length;
    List<Labelled<float[]>> rows = new ArrayList<>();
    for (int i = 0; i < labels.length; i++) {
      float[] row = new float[size];
      values.get(i * size, row);
      rows.add(new Labelled<>(row, labels[i]));
    }
    underWay.add(rows);
    while (underWay.size() > delay) {
      fresh.addAll(underWay.remove());
    }
    while (fresh.size() >= lessons.labels()) {
      List<Labelled<float[]>> newest = fresh.subList(0, lessons.labels());
      learn(newest);
      newest.clear();
    }
  }

  private void learn(List<Labelled<float[]>> newest) {
    List<Labelled<float[]>> all = new ArrayList<>(newest);
    all.addAll(earlier.draw(lessons.replay(), learnt));
    for (int row = 0; row < all.size(); row++) {
      batch.set(row, FloatBuffer.wrap(all.get(row).sample()), all.get(row).label(), 0);
    }
    batch.resize(all.size());
    var unused = model.learn(Map.of(input, batch.inputs()), batch.labels());
    newest.forEach(one -> earlier.add(one.sample(), one.label()));
    learnt += newest.size();
  }

  @Override
  public void close() {
    batch.close();
  }
}
