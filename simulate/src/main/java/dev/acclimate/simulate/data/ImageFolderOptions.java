package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.util.List;
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

  /** Names of the options. */
  static final List<String> KEYS = List.of("size", "resize", "source", "channels");

  private static final Pattern SIZE = Pattern.compile("(\\d{1,5})(?:x(\\d{1,5}))?");

  /**
   * Reads what was given.
   *
   * @throws InvalidInputException if an option is not of its form
   */
  static ImageFolderOptions of(SpecOptions options) {
    String channels = options.value("channels").orElse("");
    if (!channels.isEmpty() && !channels.equals("3")) {
      throw options.wrong("channels=3", "channels=" + channels);
    }
    return new ImageFolderOptions(
        sizing(options), options.value("source").orElse(null), !channels.isEmpty());
  }

  private static @Nullable ImageSizing sizing(SpecOptions options) {
    String size = options.value("size").orElse(null);
    String resize = options.value("resize").orElse(null);
    if (size == null) {
      if (resize != null) {
        throw options.wrong("size=N beside resize=" + resize, "resize alone");
      }
      return null;
    }
    Matcher matcher = SIZE.matcher(size);
    if (!matcher.matches()) {
      throw options.wrong("size=N or size=HxW in pixels", "size=" + size);
    }
    int height = Integer.parseInt(matcher.group(1));
    int width = matcher.group(2) == null ? height : Integer.parseInt(matcher.group(2));
    if (height < 1 || width < 1) {
      throw options.wrong("size=N or size=HxW in pixels", "size=" + size);
    }
    if (resize == null) {
      return new ImageSizing(0, height, width);
    }
    if (!resize.matches("\\d{1,5}") || Integer.parseInt(resize) < Math.max(height, width)) {
      throw options.wrong(
          "resize=N, the shorter side in pixels before size=%s is cut out".formatted(size),
          "resize=" + resize);
    }
    return new ImageSizing(Integer.parseInt(resize), height, width);
  }
}
