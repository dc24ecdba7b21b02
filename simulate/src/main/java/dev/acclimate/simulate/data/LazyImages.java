package dev.acclimate.simulate.data;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Image files that are decoded when they are read. What was decoded is kept as bytes as far as the
 * cache goes, since each method of a run reads each image again.
 */
final class LazyImages implements ImageSet.Storage {

  /** A quarter of the heap, for all sets together. */
  private static final Cache<Key, byte[]> DECODED = cache(Runtime.getRuntime().maxMemory() / 4);

  private final List<Path> files;
  private final ImageShape shape;
  private final @Nullable ImageSizing sizing;
  private final Cache<Key, byte[]> cache;

  /** A decoded image. */
  record Key(Path file, int channels, @Nullable ImageSizing sizing) {}

  /**
   * All files in one shape.
   *
   * @param sizing makes it so; null where the files have it already
   */
  LazyImages(List<Path> files, ImageShape shape, @Nullable ImageSizing sizing) {
    this(files, shape, sizing, DECODED);
  }

  LazyImages(
      List<Path> files, ImageShape shape, @Nullable ImageSizing sizing, Cache<Key, byte[]> cache) {
    this.files = List.copyOf(files);
    this.shape = shape;
    this.sizing = sizing;
    this.cache = cache;
  }

  /** A cache of so many bytes of images. */
  static Cache<Key, byte[]> cache(long bytes) {
    return Caffeine.newBuilder()
        .maximumWeight(bytes)
        .weigher((Key key, byte[] image) -> image.length)
        .executor(Runnable::run)
        .build();
  }

  @Override
  public void read(int index, float[] chw) {
    Key key = new Key(files.get(index), shape.channels(), sizing);
    byte[] image = cache.getIfPresent(key);
    if (image == null) {
      image = decode(key.file());
      cache.put(key, image);
    }
    for (int i = 0; i < image.length; i++) {
      chw[i] = ImageSet.unit(image[i]);
    }
  }

  private byte[] decode(Path file) {
    ImageFile.Pixels pixels = ImageFile.read(file);
    byte[] chw = pixels.chw();
    if (sizing != null) {
      chw = sizing.apply(chw, pixels.shape());
    } else if (pixels.shape().plane() != shape.plane()) {
      throw new InvalidInputException(
          "%s: expected an image of shape %s, found %s".formatted(file, shape, pixels.shape()));
    }
    if (pixels.shape().channels() == shape.channels()) {
      return chw;
    }
    byte[] rgb = new byte[shape.size()];
    for (int channel = 0; channel < shape.channels(); channel++) {
      System.arraycopy(chw, 0, rgb, channel * shape.plane(), shape.plane());
    }
    return rgb;
  }
}
