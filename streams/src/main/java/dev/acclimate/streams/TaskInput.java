package dev.acclimate.streams;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.MicroBatch.Item;
import dev.acclimate.streams.journal.JournalKey;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Tells a method that balances tasks which task each sample is of: the stream that its record's key
 * names, or the domain that a header does. Only within a batch do the numbers mean something: equal
 * ones are one task.
 */
final class TaskInput implements AutoCloseable {
  private final @Nullable String input;
  private final @Nullable String header;
  private final Tensor ids;
  private @Nullable Tensor view;

  TaskInput(BatchModel model, StreamConfig.Batching batching) {
    this.input = model.taskInput();
    this.header = batching.taskHeader();
    this.ids = Tensor.allocate(ElementType.INT64, input == null ? 1 : batching.max());
  }

  /** A batch's inputs, and the tasks of its samples where the model wants to know them. */
  Map<String, Tensor> withTasks(MicroBatch batch) {
    Map<String, Tensor> samples = batch.samples().tensors();
    if (input == null) {
      return samples;
    }
    Map<String, Long> known = new HashMap<>();
    LongBuffer values = ids.longs();
    for (Item item : batch.items()) {
      if (item instanceof Item.Accepted accepted) {
        long task = known.computeIfAbsent(task(accepted.record()), t -> (long) known.size());
        for (int i = 0; i < accepted.request().samples(); i++) {
          values.put(accepted.first() + i, task);
        }
      }
    }
    close();
    Tensor tasks = ids.first(batch.samples().samples());
    view = tasks;
    Map<String, Tensor> inputs = new LinkedHashMap<>(samples);
    inputs.put(input, tasks);
    return inputs;
  }

  private String task(ConsumerRecord<byte[], byte[]> record) {
    if (header == null) {
      return JournalKey.stream(record.key());
    }
    Header named = record.headers().lastHeader(header);
    return named == null ? "" : RecordHeaders.text(named);
  }

  @Override
  public void close() {
    if (view != null) {
      view.close();
    }
  }
}
