package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What may follow the folder in {@code images:DIR?size=224&resize=256&source=photo}.
 *
 * @param sizing brings images to one size; null where all have it
 * @param source the domain whose images are clean; null where none is
 * @param rgb whether grey images have three channels even where all are grey ({@code channels=3}),
 *     for domains that go with coloured ones
 */
public record ImageFolderOptions(
    @Nullable ImageSizing sizing, @Nullable String source, boolean rgb) {

  private static final List<String> KEYS = List.of("size", "resize", "source", "channels");
  private static final Pattern SIZE = Pattern.compile("(\\d{1,5})(?:x(\\d{1,5}))?");

  /**
   * Reads the part after the question mark.
   *
   * @throws InvalidInputException if an option is unknown, given twice or not of its form
   */
  static ImageFolderOptions parse(String text) {
    Map<String, String> options = new LinkedHashMap<>();
    for (String option : text.isEmpty() ? new String[0] : text.split("&", -1)) {
      int equals = option.indexOf('=');
      String key = equals < 0 ? option : option.substring(0, equals);
      if (equals < 0 || equals == option.length() - 1 || !KEYS.contains(key)) {
        throw wrong("options " + KEYS + " as KEY=VALUE", option);
      }
      if (options.put(key, option.substring(equals + 1)) != null) {
        throw wrong(key + " once", text);
      }
    }
    String channels = options.getOrDefault("channels", "");
    if (!channels.isEmpty() && !channels.equals("3")) {
      throw wrong("channels=3", "channels=" + channels);
    }
    return new ImageFolderOptions(
        sizing(options.get("size"), options.get("resize")),
        options.get("source"),
        !channels.isEmpty());
  }

  private static @Nullable ImageSizing sizing(@Nullable String size, @Nullable String resize) {
    if (size == null) {
      if (resize != null) {
        throw wrong("size=N beside resize=" + resize, "resize alone");
      }
      return null;
    }
    Matcher matcher = SIZE.matcher(size);
    if (!matcher.matches()) {
      throw wrong("size=N or size=HxW in pixels", "size=" + size);
    }
    int height = Integer.parseInt(matcher.group(1));
    int width = matcher.group(2) == null ? height : Integer.parseInt(matcher.group(2));
    if (height < 1 || width < 1) {
      throw wrong("size=N or size=HxW in pixels", "size=" + size);
    }
    if (resize == null) {
      return new ImageSizing(0, height, width);
    }
    if (!resize.matches("\\d{1,5}") || Integer.parseInt(resize) < Math.max(height, width)) {
      throw wrong(
          "resize=N, the shorter side in pixels before size=%s is cut out".formatted(size),
          "resize=" + resize);
    }
    return new ImageSizing(Integer.parseInt(resize), height, width);
  }

  private static InvalidInputException wrong(String expected, String found) {
    return new InvalidInputException(
        "data: images: expected %s, found \"%s\"".formatted(expected, found));
  }
}
