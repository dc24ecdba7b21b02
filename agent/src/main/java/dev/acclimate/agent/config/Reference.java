package dev.acclimate.agent.config;

/** The reference of all keys, as Markdown. */
public final class Reference {
  private Reference() {}

  /** A table of the keys in the order of their declaration. */
  public static String of(Keys keys) {
    StringBuilder text = new StringBuilder();
    text.append("| key | type | default | meaning | variable |\n|---|---|---|---|---|\n");
    for (Key<?> key : keys.all()) {
      text.append("| `")
          .append(key.path())
          .append("` | ")
          .append(key.type())
          .append(" | ")
          .append(key.fallback())
          .append(" | ")
          .append(key.meaning())
          .append(" | `")
          .append(key.variable())
          .append(key.hasFreeNames() ? "_...` |\n" : "` |\n");
    }
    return text.toString();
  }
}
