package dev.acclimate.streams.journal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/** Reads a group's journal, what is committed of it, from any offset. Not thread-safe. */
public final class JournalReader {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  private final Consumer<byte[], byte[]> consumer;
  private final String topic;
  private final String group;

  /**
   * @param consumer reads committed records; assigned here, the caller's to close
   */
  public JournalReader(Consumer<byte[], byte[]> consumer, String topic, String group) {
    this.consumer = consumer;
    this.topic = topic;
    this.group = group;
  }

  /** How many partitions the state topic has. */
  public int partitions() {
    return consumer.partitionsFor(topic, TIMEOUT).size();
  }

  /** The offset behind the last record that is committed. */
  public long end(int partition) {
    TopicPartition at = new TopicPartition(topic, partition);
    Long end = consumer.endOffsets(List.of(at), TIMEOUT).get(at);
    return end == null ? 0 : end;
  }

  /** Hands all that there is from {@code from} on to {@code visitor}, until it returns false. */
  public void read(int partition, long from, Predicate<JournalEntry> visitor) {
    read(partition, from, end(partition), visitor, false);
  }

  /**
   * Hands what comes from {@code from} on to {@code visitor} until it returns false, and waits for
   * it: records of a transaction show a moment after its offsets do.
   *
   * @throws TimeoutException when it does not come
   */
  public void await(int partition, long from, Predicate<JournalEntry> visitor) {
    read(partition, from, Long.MAX_VALUE, visitor, true);
  }

  /**
   * The entry at an offset, empty when compaction has removed it. Waited for, since records of a
   * transaction show a moment after its commit.
   *
   * @throws TimeoutException when the log does not get there
   */
  public Optional<JournalEntry> at(int partition, long offset) {
    JournalEntry[] found = new JournalEntry[1];
    read(
        partition,
        offset,
        offset + 1,
        entry -> {
          found[0] = entry.offset() == offset ? entry : null;
          return false;
        },
        true);
    return Optional.ofNullable(found[0]);
  }

  private void read(
      int partition, long from, long end, Predicate<JournalEntry> visitor, boolean waiting) {
    TopicPartition at = new TopicPartition(topic, partition);
    consumer.assign(List.of(at));
    if (from <= 0) {
      consumer.seekToBeginning(List.of(at));
    } else {
      consumer.seek(at, from);
    }
    Assembly assembly = new Assembly();
    long deadline = System.nanoTime() + TIMEOUT.toNanos();
    while (consumer.position(at, TIMEOUT) < end || assembly.missing > 0) {
      boolean progress = false;
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        progress = true;
        JournalEntry entry = assembly.add(record);
        if (entry != null && !visitor.test(entry)) {
          return;
        }
      }
      if (progress) {
        deadline = System.nanoTime() + TIMEOUT.toNanos();
      } else if (System.nanoTime() > deadline) {
        throw new TimeoutException(
            "nothing more of "
                + at
                + " within "
                + TIMEOUT.toSeconds()
                + " s"
                + (waiting ? ", where a commit says that there is" : ""));
      }
    }
  }

  /** Puts chunks together. Chunks of one value follow one another, other writers' between them. */
  private final class Assembly {
    private final ByteArrayOutputStream value = new ByteArrayOutputStream();
    private @Nullable JournalKey key;
    private long offset;
    private long timestamp;
    private int missing;

    @Nullable JournalEntry add(ConsumerRecord<byte[], byte[]> record) {
      Optional<JournalKey> parsed = JournalKey.of(record.key());
      if (parsed.isEmpty() || !parsed.get().group().equals(group) || record.value() == null) {
        return null;
      }
      if (new String(record.key(), StandardCharsets.UTF_8).contains(JournalKey.CHUNK)) {
        return addChunk(parsed.get(), record);
      }
      Header chunks = record.headers().lastHeader(JournalWriter.CHUNKS);
      if (chunks == null) {
        return new JournalEntry(parsed.get(), record.offset(), record.timestamp(), record.value());
      }
      key = parsed.get();
      offset = record.offset();
      timestamp = record.timestamp();
      missing = Integer.parseInt(new String(chunks.value(), StandardCharsets.UTF_8)) - 1;
      value.reset();
      value.writeBytes(record.value());
      return null;
    }

    private @Nullable JournalEntry addChunk(JournalKey of, ConsumerRecord<byte[], byte[]> record) {
      JournalKey expected = key;
      if (expected == null || !of.equals(expected)) {
        return null; // the rest of a value whose start compaction has removed
      }
      value.writeBytes(record.value());
      if (--missing > 0) {
        return null;
      }
      key = null;
      return new JournalEntry(expected, offset, timestamp, value.toByteArray());
    }
  }
}
