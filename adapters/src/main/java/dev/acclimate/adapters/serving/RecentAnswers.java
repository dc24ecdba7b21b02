package dev.acclimate.adapters.serving;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The classes that requests were answered with, by their ids, until labels come for them or younger
 * answers need the room. Of requests with one id the last counts. Not thread-safe.
 */
final class RecentAnswers {
  static final int MOST_SAMPLES = 65_536;
  static final int MOST_ID_LETTERS = 256;

  private final Map<String, Answer> byId = new LinkedHashMap<>(); // the oldest first
  private int samples;

  /**
   * What a request was answered with, a class a sample.
   *
   * @param given what went out
   * @param adapted the adapted model's; null where it was not asked
   * @param frozen the frozen model's; null where it was not asked
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Answer(int[] given, int @Nullable [] adapted, int @Nullable [] frozen) {
    private Answer part(int from, int to) {
      return new Answer(
          Arrays.copyOfRange(given, from, to), part(adapted, from, to), part(frozen, from, to));
    }

    private static int @Nullable [] part(int @Nullable [] classes, int from, int to) {
      return classes == null ? null : Arrays.copyOfRange(classes, from, to);
    }
  }

  /** Keeps a batch's answers, of those requests that have an id. */
  void add(List<BatchShare> shares, Answer answer) {
    int first = 0;
    for (BatchShare share : shares) {
      int end = first + share.samples();
      String id = share.id();
      if (id != null && id.length() <= MOST_ID_LETTERS && end <= answer.given().length) {
        remove(id);
        byId.put(id, answer.part(first, end));
        samples += share.samples();
      }
      first = end;
    }
    Iterator<Answer> oldest = byId.values().iterator();
    while (samples > MOST_SAMPLES && oldest.hasNext()) {
      samples -= oldest.next().given().length;
      oldest.remove();
    }
  }

  /** The answer to a request; null where none is known. */
  @Nullable Answer get(String id) {
    return byId.get(id);
  }

  /** Forgets an answer. */
  void remove(String id) {
    Answer before = byId.remove(id);
    if (before != null) {
      samples -= before.given().length;
    }
  }

  /** Forgets all answers. */
  void clear() {
    byId.clear();
    samples = 0;
  }

  /** Samples whose answers are kept. */
  int samples() {
    return samples;
  }
}
