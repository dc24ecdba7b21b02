package dev.acclimate.streams.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JournalKeyTest {
  /** What separators, escapes and marks are made of, and letters of one to four bytes. */
  @Provide
  Arbitrary<String> parts() {
    return Arbitraries.strings()
        .withChars("a/%#*=-._: \u0000\u00e9\u6c34".toCharArray())
        .ofMaxLength(12)
        .map(text -> text + "\ud83d\ude80".repeat(text.length() % 2));
  }

  @Provide
  Arbitrary<JournalKey> keys() {
    Arbitrary<String> streams = parts().map(JournalKey::streamOf);
    Arbitrary<Long> slots = Arbitraries.longs().between(0, 1023);
    return Arbitraries.oneOf(
        Combinators.combine(parts(), parts(), parts()).as(JournalKey::checkpoint),
        Combinators.combine(parts(), parts(), parts(), streams).as(JournalKey::state),
        Combinators.combine(parts(), parts(), slots).as(JournalKey::batch),
        Combinators.combine(parts(), parts(), streams).as(JournalKey::control));
  }

  @Property(tries = 500, seed = "1")
  void isReadAsItWasWritten(@ForAll("keys") JournalKey key) {
    assertThat(JournalKey.of(key.text().getBytes(UTF_8))).contains(key);
    assertThat(JournalKey.parse(key.text() + JournalKey.CHUNK + 7)).contains(key);
    assertThat(key.text()).isPrintable().isASCII().doesNotContain(JournalKey.CHUNK);
  }

  @Property(tries = 500, seed = "1")
  void keepsApartWhatDiffers(@ForAll("keys") JournalKey one, @ForAll("keys") JournalKey other) {
    assertThat(one.text().equals(other.text())).isEqualTo(one.equals(other));
  }

  @Property(tries = 500, seed = "1")
  void keepsRecordKeysApart(@ForAll byte[] one, @ForAll byte[] other) {
    assertThat(JournalKey.stream(one).equals(JournalKey.stream(other)))
        .isEqualTo(Arrays.equals(one, other));
  }

  @Test
  void tellsNoKeyFromAnEmptyOneAndFromAllStreams() {
    List<@Nullable String> streams =
        List.of(
            JournalKey.stream(null),
            JournalKey.stream(new byte[0]),
            JournalKey.streamOf("-"),
            JournalKey.streamOf("*"),
            JournalKey.WHOLE_LANE,
            JournalKey.ALL);

    assertThat(streams).doesNotHaveDuplicates();
    assertThat(streams.stream().map(s -> JournalKey.control("g", "l", s).text()))
        .doesNotHaveDuplicates();
    assertThat(JournalKey.parse(JournalKey.control("g", "l", JournalKey.ALL).text()))
        .contains(JournalKey.control("g", "l", JournalKey.ALL));
  }

  @Test
  void showsAKeyAsPeopleKnowIt() {
    assertThat(JournalKey.display(JournalKey.streamOf("camera-7"))).isEqualTo("camera-7");
    assertThat(JournalKey.display(JournalKey.streamOf("a/b"))).isEqualTo("a%2Fb");
    assertThat(JournalKey.display(JournalKey.stream(null))).isEqualTo("(no key)");
    assertThat(JournalKey.display(JournalKey.WHOLE_LANE)).isEqualTo("(all)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "group/lane/state",
        "group/lane/state/variant",
        "group/lane/checkpoint/v/w",
        "group/lane/other/v",
        "group/lane/control/%",
        "group/lane/control/%4",
        "group/lane/control/%zz",
        "#1"
      })
  void leavesForeignKeysAlone(String text) {
    assertThat(JournalKey.parse(text)).isEmpty();
    assertThat(JournalKey.of(null)).isEmpty();
  }
}
