package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import java.awt.image.BufferedImage;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * There and back through a baseline JPEG file with halved chroma, by the codec of the Java runtime,
 * whose quality scale is that of the IJG's library. What is not RGB goes channel by channel, as
 * grey images.
 */
final class JpegCompression implements Distortion {

  /** Readers and writers are dear to make and belong to one thread at a time. */
  private static final ThreadLocal<Codec> CODEC = ThreadLocal.withInitial(Codec::new);

  private final ImageShape shape;
  private final float quality;

  /**
   * Compression of images of one shape.
   *
   * @param quality 1 to 100
   */
  JpegCompression(ImageShape shape, int quality) {
    this.shape = shape;
    this.quality = quality / 100f;
  }

  /** The codec, without a cache on the disk. */
  private static final class Codec {
    private final ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    private final ImageReader reader = ImageIO.getImageReadersByFormatName("jpeg").next();
    private final ImageWriteParam param = writer.getDefaultWriteParam();

    Codec() {
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
    }

    BufferedImage thereAndBack(BufferedImage image, float quality) throws IOException {
      param.setCompressionQuality(quality);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (var out = new MemoryCacheImageOutputStream(bytes)) {
        writer.setOutput(out);
        writer.write(null, new IIOImage(image, null, null), param);
      } finally {
        writer.setOutput(null);
      }
      try (var in =
          new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
        reader.setInput(in, true, true);
        return reader.read(0);
      } finally {
        reader.setInput(null);
      }
    }
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    int bands = Colour.present(shape) ? shape.channels() : 1;
    for (int from = 0; from < chw.length; from += bands * shape.plane()) {
      compress(chw, from, bands);
    }
  }

  private void compress(float[] chw, int from, int bands) {
    int plane = shape.plane();
    int[] samples = new int[bands * plane];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = Math.round(255 * chw[from + i % bands * plane + i / bands]);
    }
    BufferedImage image =
        new BufferedImage(
            shape.width(),
            shape.height(),
            bands == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
    image.getRaster().setPixels(0, 0, shape.width(), shape.height(), samples);
    WritableRaster read;
    try {
      read = CODEC.get().thereAndBack(image, quality).getRaster();
    } catch (IOException e) {
      throw new UncheckedIOException("JPEG in memory failed", e);
    }
    read.getPixels(0, 0, shape.width(), shape.height(), samples);
    for (int i = 0; i < samples.length; i++) {
      chw[from + i % bands * plane + i / bands] = samples[i] / 255f;
    }
  }
}
