package dev.acclimate.streams.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.streams.journal.BatchBoundary.Run;
import dev.acclimate.streams.journal.BatchBoundary.Runs;
import dev.acclimate.streams.journal.Checkpoint.Mark;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JournalValuesTest {
  @Provide
  Arbitrary<Checkpoint> checkpoints() {
    Arbitrary<Long> numbers = Arbitraries.longs().greaterOrEqual(-1);
    Arbitrary<String> texts = Arbitraries.strings().ofMaxLength(8).map(JournalKey::streamOf);
    Arbitrary<Mark> marks = Combinators.combine(numbers, numbers, numbers).as(Mark::new);
    return Combinators.combine(
            numbers,
            texts,
            Arbitraries.maps(texts, numbers).ofMaxSize(3),
            numbers,
            Arbitraries.maps(texts, marks).ofMaxSize(5))
        .as(Checkpoint::new);
  }

  @Property(tries = 200, seed = "1")
  void aCheckpointIsReadAsItWasWritten(@ForAll("checkpoints") Checkpoint checkpoint) {
    assertThat(Checkpoint.parse(checkpoint.toBytes())).isEqualTo(checkpoint);
  }

  @Provide
  Arbitrary<BatchBoundary> boundaries() {
    Arbitrary<Long> numbers = Arbitraries.longs().greaterOrEqual(0);
    Arbitrary<String> texts = Arbitraries.strings().ofMaxLength(8);
    Arbitrary<Run> runs =
        Combinators.combine(
                Arbitraries.integers().between(0, 9999),
                numbers,
                Arbitraries.integers().greaterOrEqual(1))
            .as(Run::new);
    return Combinators.combine(numbers, texts, texts, numbers, runs.list().ofMaxSize(5))
        .as(BatchBoundary::new);
  }

  @Property(tries = 200, seed = "1")
  void aBoundaryIsReadAsItWasWritten(@ForAll("boundaries") BatchBoundary boundary) {
    assertThat(BatchBoundary.parse(boundary.toBytes())).isEqualTo(boundary);
  }

  @Property(tries = 200, seed = "1")
  void runsAreTheRecordsInTheirOrder(
      @ForAll List<@IntRange(max = 2) Integer> partitions, @ForAll List<Boolean> gaps) {
    List<List<Long>> records = new ArrayList<>();
    Runs runs = new Runs();
    long[] next = new long[3];
    for (int i = 0; i < partitions.size(); i++) {
      int partition = partitions.get(i);
      next[partition] += i < gaps.size() && gaps.get(i) ? 2 : 1;
      runs.add(partition, next[partition]);
      records.add(List.of((long) partition, next[partition]));
    }

    List<List<Long>> unrolled = new ArrayList<>();
    for (Run run : runs.toList()) {
      for (int i = 0; i < run.count(); i++) {
        unrolled.add(List.of((long) run.partition(), run.first() + i));
      }
    }
    assertThat(unrolled).isEqualTo(records);
  }

  @Test
  void neighboursAreOneRun() {
    Runs runs = new Runs();
    for (long offset : new long[] {4, 5, 6, 8}) {
      runs.add(0, offset);
    }
    runs.add(1, 9);

    assertThat(runs.toList()).containsExactly(new Run(0, 4, 3), new Run(0, 8, 1), new Run(1, 9, 1));
  }

  @Test
  void whatIsNoJsonIsToldOf() {
    assertThatThrownBy(() -> Checkpoint.parse("{".getBytes(UTF_8)))
        .hasMessageContaining("a checkpoint in the state topic is not JSON");
    assertThatThrownBy(() -> BatchBoundary.parse("{".getBytes(UTF_8)))
        .hasMessageContaining("a batch boundary in the state topic is not JSON");
  }

  @Test
  void aControlIsReadAsItWasWritten() {
    Control reset = Control.reset();

    assertThat(Control.parse(reset.toBytes())).contains(reset);
    Control other = Control.switchTo("a \"quoted\" method");
    assertThat(Control.parse(other.toBytes())).contains(other);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "null", "{}", "{\"action\":\"explode\"}", "reset"})
  void whatIsNoControlIsNone(String text) {
    assertThat(Control.parse(text.getBytes(UTF_8))).isEmpty();
  }

  @Test
  void aPointerIsReadAsItWasWrittenAndForeignMetadataIsNone() {
    JournalPointer pointer = new JournalPointer(17, -1);

    assertThat(JournalPointer.parse(pointer.text())).contains(pointer);
    assertThat(JournalPointer.parse("")).isEmpty();
    assertThat(JournalPointer.parse(pointer.text() + " ")).isEmpty();
  }

  @Test
  void theLaterPointerIsTheOneOfMoreBatchesThenOfTheLaterCheckpoint() {
    JournalPointer pointer = new JournalPointer(17, 5);

    assertThat(pointer.isAfter(new JournalPointer(16, 9))).isTrue();
    assertThat(pointer.isAfter(new JournalPointer(17, 4))).isTrue();
    assertThat(pointer.isAfter(pointer)).isFalse();
    assertThat(pointer.isAfter(new JournalPointer(17, 6))).isFalse();
    assertThat(pointer.isAfter(new JournalPointer(18, -1))).isFalse();
  }

  @Test
  void aCheckpointKeepsTheOrderOfItsStreams() {
    Mark mark = new Mark(Checkpoint.INITIAL, 0, 3);
    Checkpoint checkpoint = new Checkpoint(1, "v", Map.of(), -1, Map.of("b", mark, "a", mark));

    assertThat(Checkpoint.parse(checkpoint.toBytes()).streams().keySet())
        .containsExactlyElementsOf(checkpoint.streams().keySet());
  }
}
