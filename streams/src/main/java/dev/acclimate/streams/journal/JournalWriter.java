package dev.acclimate.streams.journal;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Makes the journal's records of one lane; large values come in chunks that brokers take. */
public final class JournalWriter {
  /** Header of a value's first chunk: how many there are. */
  static final String CHUNKS = "acclimate-chunks";

  /** Brokers refuse records of more than 1 MiB unless told otherwise. */
  private static final int CHUNK_BYTES = 768 << 10;

  /** Slots of batch boundaries that compaction keeps; more than lie between two checkpoints. */
  private static final int SLOTS = 1024;

  private final String topic;
  private final int partition;
  private final String group;
  private final String lane;

  public JournalWriter(String topic, int partition, String group, String lane) {
    this.topic = topic;
    this.partition = partition;
    this.group = group;
    this.lane = lane;
  }

  public List<ProducerRecord<byte[], byte[]>> checkpoint(Checkpoint checkpoint) {
    return records(JournalKey.checkpoint(group, lane, checkpoint.variant()), checkpoint.toBytes());
  }

  public List<ProducerRecord<byte[], byte[]>> state(String variant, String stream, byte[] state) {
    return records(JournalKey.state(group, lane, variant, stream), state);
  }

  public List<ProducerRecord<byte[], byte[]>> boundary(BatchBoundary boundary) {
    return records(JournalKey.batch(group, lane, boundary.sequence() % SLOTS), boundary.toBytes());
  }

  /** An operator's wish; see {@link Control}. */
  public List<ProducerRecord<byte[], byte[]>> control(String stream, Control control) {
    return records(JournalKey.control(group, lane, stream), control.toBytes());
  }

  private List<ProducerRecord<byte[], byte[]>> records(JournalKey key, byte[] value) {
    int chunks = Math.max(1, (value.length + CHUNK_BYTES - 1) / CHUNK_BYTES);
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>(chunks);
    for (int i = 0; i < chunks; i++) {
      String text = i == 0 ? key.text() : key.text() + JournalKey.CHUNK + i;
      byte[] part =
          chunks == 1
              ? value
              : Arrays.copyOfRange(
                  value, i * CHUNK_BYTES, Math.min(value.length, (i + 1) * CHUNK_BYTES));
      ProducerRecord<byte[], byte[]> record =
          new ProducerRecord<>(topic, partition, text.getBytes(StandardCharsets.UTF_8), part);
      if (i == 0 && chunks > 1) {
        record.headers().add(CHUNKS, Integer.toString(chunks).getBytes(StandardCharsets.UTF_8));
      }
      records.add(record);
    }
    return records;
  }
}
