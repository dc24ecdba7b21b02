package dev.acclimate.streams;

import dev.acclimate.models.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Elements as they lie in memory and in the binary form of a record. */
final class RawElements {
  private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  private RawElements() {}

  /** Copies little-endian elements into a buffer of native order. */
  static void fromLittleEndian(
      byte[] source, int position, int length, ElementType type, ByteBuffer target, int offset) {
    target.put(offset, source, position, length);
    if (!LITTLE_ENDIAN) {
      reverseEach(type.bytes(), target, offset, length);
    }
  }

  /** Copies elements of a buffer of native order out as little-endian ones. */
  static void toLittleEndian(
      ByteBuffer source, int offset, int length, ElementType type, byte[] target, int position) {
    source.get(offset, target, position, length);
    if (!LITTLE_ENDIAN) {
      reverseEach(type.bytes(), ByteBuffer.wrap(target), position, length);
    }
  }

  private static void reverseEach(int size, ByteBuffer buffer, int offset, int length) {
    for (int start = offset; start < offset + length; start += size) {
      for (int low = start, high = start + size - 1; low < high; low++, high--) {
        byte swapped = buffer.get(low);
        buffer.put(low, buffer.get(high));
        buffer.put(high, swapped);
      }
    }
  }

  /** Index of the first NaN or infinity among the elements, -1 where there is none. */
  static int firstNonFinite(ElementType type, ByteBuffer buffer, int offset, int length) {
    return switch (type) {
      case FP32 -> firstNonFiniteFloat(buffer, offset, length / 4);
      case FP64 -> {
        for (int i = 0; i < length / 8; i++) {
          if (!Double.isFinite(buffer.getDouble(offset + 8 * i))) {
            yield i;
          }
        }
        yield -1;
      }
      // NaN and infinities are the numbers with all exponent bits set
      case FP16 -> firstWithBits(0x7C00, buffer, offset, length / 2);
      case BF16 -> firstWithBits(0x7F80, buffer, offset, length / 2);
      case INT8, INT16, INT32, INT64, UINT8, BOOL -> -1;
    };
  }

  private static int firstNonFiniteFloat(ByteBuffer buffer, int offset, int count) {
    // x * 0 is NaN for NaN and infinities, and NaN is contagious: no branch per element
    FloatBuffer floats = buffer.slice(offset, 4 * count).order(buffer.order()).asFloatBuffer();
    float probe = 0;
    for (int i = 0; i < count; i++) {
      probe += floats.get(i) * 0f;
    }
    if (probe == 0f) {
      return -1;
    }
    int first = 0;
    while (Float.isFinite(floats.get(first))) {
      first++;
    }
    return first;
  }

  private static int firstWithBits(int exponent, ByteBuffer buffer, int offset, int count) {
    for (int i = 0; i < count; i++) {
      if ((buffer.getShort(offset + 2 * i) & exponent) == exponent) {
        return i;
      }
    }
    return -1;
  }

  /** The value of a 16-bit IEEE 754 number. */
  static float halfToFloat(short half) {
    int exponent = half >> 10 & 0x1F;
    int fraction = half & 0x3FF;
    int sign = (half & 0x8000) << 16;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int wide = exponent == 0x1F ? 0xFF : exponent + 112;
    return Float.intBitsToFloat(sign | wide << 23 | fraction << 13);
  }

  /** The value of a bfloat16, the upper half of a float. */
  static float bfloatToFloat(short bfloat) {
    return Float.intBitsToFloat(bfloat << 16);
  }
}
