package dev.acclimate.simulate.data;

import com.github.luben.zstd.ZstdInputStream;
import dev.acclimate.models.InvalidInputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.xerial.snappy.Snappy;

/**
 * Decompresses the pages of a Parquet file; the format library's own way needs all of Hadoop.
 *
 * @param file for messages
 */
record ParquetCodecs(Path file) implements CompressionCodecFactory {

  @Override
  public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
    return new Pages(
        switch (codec) {
          case UNCOMPRESSED -> (page, size) -> page;
          case SNAPPY -> (page, size) -> Snappy.uncompress(page);
          case GZIP -> stream(GZIPInputStream::new);
          case ZSTD -> stream(ZstdInputStream::new);
          case LZO, BROTLI, LZ4, LZ4_RAW ->
              throw new InvalidInputException(
                  "%s: expected compression by SNAPPY, GZIP or ZSTD, or none, found %s"
                      .formatted(file, codec));
        });
  }

  @Override
  public BytesInputCompressor getCompressor(CompressionCodecName codec) {
    throw new UnsupportedOperationException("files are only read");
  }

  @Override
  public void release() {}

  private interface Decompression {
    byte[] apply(byte[] page, int size) throws IOException;
  }

  private interface Opening {
    InputStream on(InputStream compressed) throws IOException;
  }

  private static Decompression stream(Opening opening) {
    return (page, size) -> {
      try (InputStream in = opening.on(new ByteArrayInputStream(page))) {
        return in.readNBytes(size);
      }
    };
  }

  private record Pages(Decompression decompression) implements BytesInputDecompressor {

    @Override
    public BytesInput decompress(BytesInput page, int size) throws IOException {
      return BytesInput.from(whole(page.toInputStream().readAllBytes(), size));
    }

    @Override
    public void decompress(ByteBuffer page, int pageSize, ByteBuffer out, int size)
        throws IOException {
      byte[] bytes = new byte[pageSize];
      page.get(bytes);
      out.put(whole(bytes, size));
    }

    private byte[] whole(byte[] page, int size) throws IOException {
      byte[] whole = decompression.apply(page, size);
      if (whole.length != size) {
        throw new IOException(
            "expected a page of %,d bytes, found %,d".formatted(size, whole.length));
      }
      return whole;
    }

    @Override
    public void release() {}
  }
}
