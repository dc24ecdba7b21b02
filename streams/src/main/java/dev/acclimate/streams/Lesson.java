package dev.acclimate.streams;

import dev.acclimate.models.Tensor;
import dev.acclimate.streams.WaitingRequests.Answered;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/**
 * What one step is to learn from.
 *
 * @param samples new ones first, then those that are learnt from again
 * @param labels of all of them, int64 {@code [B]}
 * @param joined the requests whose labels are new
 * @param behind where the labels' log goes on, by partition
 */
record Lesson(
    InputBatch samples, Tensor labels, List<Joined> joined, Map<TopicPartition, Long> behind) {

  /** A request and the classes that its samples should have been given. */
  @SuppressWarnings("ArrayRecordComponent") // neither compared nor handed out
  record Joined(Answered request, long[] classes) {}

  Lesson {
    joined = List.copyOf(joined);
    behind = Map.copyOf(behind);
  }

  /** Samples whose labels are new. */
  int fresh() {
    return joined.stream().mapToInt(one -> one.classes().length).sum();
  }
}
