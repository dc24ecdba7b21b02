package dev.acclimate.streams;

import java.util.Locale;

/** Which of two models a response is from. */
enum Answerer {
  ADAPTED,
  /** The model as it was before it adapted. */
  FROZEN;

  /** As headers and meters call it. */
  String tag() {
    return name().toLowerCase(Locale.ROOT);
  }
}
