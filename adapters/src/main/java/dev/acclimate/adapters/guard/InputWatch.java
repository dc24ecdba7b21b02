package dev.acclimate.adapters.guard;

import dev.acclimate.models.Tensor;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * Tells samples from which nothing can be learnt: the same as the one before it, bit for bit, as a
 * stuck sensor sends, or without a difference between its elements, as a black frame is.
 *
 * <p>Planes are the elements that share their index on the first axis behind the batch: a
 * normalized black frame has another value in each channel.
 */
final class InputWatch {
  private static final long NOTHING = -1;

  private long last = NOTHING;

  /** How many of {@code [B, ...]} there are. */
  int blank(Tensor samples) {
    if (samples.rank() < 2) {
      return 0;
    }
    int count = (int) samples.size(0);
    int blank = 0;
    CRC32 sum = new CRC32();
    ByteBuffer bytes = samples.bytes();
    int size = count == 0 ? 0 : bytes.limit() / count;
    for (int i = 0; i < count; i++) {
      ByteBuffer sample = bytes.slice(i * size, size);
      sum.reset();
      sum.update(sample.duplicate());
      boolean repeated = sum.getValue() == last;
      last = sum.getValue();
      blank += repeated || isFlat(sample, (int) samples.size(1), samples.rank()) ? 1 : 0;
    }
    return blank;
  }

  /** Whether all elements of each plane are equal; looks no further than the first that is not. */
  private static boolean isFlat(ByteBuffer sample, int planes, int rank) {
    if (rank < 3 || planes == 0) {
      return false;
    }
    int plane = sample.limit() / planes;
    int element = Integer.BYTES;
    for (int at = 0; at + element <= sample.limit(); at += element) {
      int first = at / plane * plane;
      if (sample.getInt(at) != sample.getInt(first)) {
        return false;
      }
    }
    return sample.limit() > 0;
  }
}
