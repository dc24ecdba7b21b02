package dev.acclimate.simulate.report;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/** Writes HTML and SVG. All text and all values of attributes are escaped. */
final class Markup {
  /** Elements of HTML that have no end tag. */
  private static final Set<String> VOID = Set.of("meta", "link", "img", "br", "wbr");

  private final StringBuilder out = new StringBuilder("<!doctype html>\n");
  private final Deque<String> open = new ArrayDeque<>();

  /** Opens an element; attributes as names and values in turn. */
  Markup open(String tag, String... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"").append(escape(attributes[i + 1]));
      out.append('"');
    }
    out.append('>');
    if (!VOID.contains(tag)) {
      open.push(tag);
    }
    return this;
  }

  /** Closes the element opened last. */
  Markup close() {
    String tag = open.pop();
    out.append("</").append(tag).append(">");
    if (!tag.equals("span") && !tag.equals("code")) {
      out.append('\n');
    }
    return this;
  }

  /** Text inside the element opened last. */
  Markup text(String text) {
    out.append(escape(text));
    return this;
  }

  /** A name that may be broken behind its underscores and brackets. */
  Markup name(String name) {
    for (String part : name.split("(?<=[_;\\[])", -1)) {
      out.append(escape(part));
      if (part.endsWith("_") || part.endsWith(";") || part.endsWith("[")) {
        out.append("<wbr>");
      }
    }
    return this;
  }

  /** An element that holds nothing but text. */
  Markup element(String tag, String text, String... attributes) {
    return open(tag, attributes).text(text).close();
  }

  /** A style sheet or a script, which are not escaped: ours, never anything from outside. */
  Markup verbatim(String tag, String content) {
    out.append('<').append(tag).append('>').append(content);
    out.append("</").append(tag).append(">\n");
    return this;
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  /** The page; every element must be closed. */
  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("not closed: " + open);
    }
    return out.toString();
  }
}
