package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xerial.snappy.Snappy;

class ParquetFileTest {

  private static final String SCHEMA =
      "required float a; optional double b; required binary car (STRING); required int64 y;";

  @TempDir Path folder;

  /** What a row holds. */
  private interface Cells {
    void fill(Group row);
  }

  @ParameterizedTest
  @CsvSource({
    "UNCOMPRESSED, PARQUET_1_0",
    "UNCOMPRESSED, PARQUET_2_0",
    "SNAPPY, PARQUET_1_0",
    "SNAPPY, PARQUET_2_0",
    "GZIP, PARQUET_1_0",
    "ZSTD, PARQUET_2_0"
  })
  void cutsTheWindowsThatTheSameTableInCsvGives(CompressionCodecName codec, WriterVersion version)
      throws IOException {
    SeededRandom random = SeededRandom.of(1);
    StringBuilder csv = new StringBuilder("a,b,car,y\n");
    List<Cells> rows = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      float a = (float) random.nextGaussian();
      float b = random.nextInt(20);
      String car = "car " + random.nextInt(3);
      long y = random.nextInt(4);
      csv.append(a).append(',').append(b).append(',').append(car).append(',').append(y);
      csv.append('\n');
      rows.add(row -> row.append("a", a).append("b", (double) b).append("car", car).append("y", y));
    }
    write("t.parquet", SCHEMA, codec, version, rows);
    Files.writeString(folder.resolve("t.csv"), csv);
    String options = "?window=30&stride=7&label=y&group=car";

    ImageSet parquet = DataSpec.parse("parquet:" + folder.resolve("t.parquet") + options).load();
    ImageSet same = DataSpec.parse("csv:" + folder.resolve("t.csv") + options).load();

    assertThat(parquet.shape()).isEqualTo(new ImageShape(2, 1, 30));
    assertThat(parquet.classes()).isEqualTo(same.classes());
    assertThat(parquet.labels()).isEqualTo(same.labels());
    assertThat(parquet.size()).isGreaterThan(600);
    for (int i = 0; i < parquet.size(); i++) {
      assertThat(window(parquet, i)).isEqualTo(window(same, i));
    }
  }

  @Test
  void takesEachFileOfAFolderForARecordingOfItsOwn() throws IOException {
    for (String name : List.of("b.parquet", "a.parquet")) {
      write(
          name,
          "required float x; required int64 y;",
          CompressionCodecName.SNAPPY,
          WriterVersion.PARQUET_1_0,
          List.of(
              row -> row.append("x", (float) name.charAt(0)).append("y", 0L),
              row -> row.append("x", 1f).append("y", 0L)));
    }

    ImageSet set = DataSpec.parse("parquet:" + folder + "?window=2&label=y").load();

    assertThat(set.size()).isEqualTo(2);
    assertThat(window(set, 0)).containsExactly('a', 1);
    assertThat(window(set, 1)).containsExactly('b', 1);
  }

  @Test
  void readsNumbersOfAllTypes() throws IOException {
    write(
        """
        required int32 i (INTEGER(8, true)); required int32 u (INTEGER(32, false));
        required int64 l; required int64 ul (INTEGER(64, false)); required float f;
        required double d; required fixed_len_byte_array(2) h (FLOAT16);
        required int32 d4 (DECIMAL(9, 2)); required int64 d8 (DECIMAL(18, 1));
        required binary dn (DECIMAL(30, 3));
        required int64 t (TIMESTAMP(MILLIS, true)); required int32 day (DATE);
        required boolean ok; required binary text (STRING); required int96 old;
        optional group at { required float lat; } repeated float many; required int64 y;
        """,
        row ->
            row.append("i", -7)
                .append("u", -1)
                .append("l", 1L << 40)
                .append("ul", -1L)
                .append("f", 0.1f)
                .append("d", 1e-300)
                .append("h", Binary.fromConstantByteArray(new byte[] {0, 0x3e}))
                .append("d4", -1234)
                .append("d8", 25L)
                .append("dn", Binary.fromConstantByteArray(new BigInteger("1500").toByteArray()))
                .append("t", 1L)
                .append("day", 1)
                .append("ok", true)
                .append("text", "x")
                .append("old", Binary.fromConstantByteArray(new byte[12]))
                .append("y", 0L));

    ImageSet set = spec("window=1&label=y").load();

    assertThat(window(set, 0))
        .containsExactly(-7, 0x1p32f, 0x1p40f, 0x1p64f, 0.1f, 0, 1.5f, -12.34f, 2.5f, 1.5f);
  }

  @Test
  void takesTextBooleansAndLargeIntegersForNames() throws IOException {
    write(
        "required float x; required binary y (STRING); required boolean ok; required int64 id;",
        row -> row.append("x", 1f).append("y", "on").append("ok", true).append("id", 1L << 60),
        row -> row.append("x", 2f).append("y", "off").append("ok", false).append("id", 1L << 60),
        row ->
            row.append("x", 3f).append("y", "on").append("ok", true).append("id", (1L << 60) + 1));

    assertThat(spec("window=1&label=y").load().classes()).containsExactly("off", "on");
    assertThat(spec("window=1&label=ok&channels=x").load().labels()).containsExactly(1, 0, 1);
    assertThat(spec("window=2&label=y&group=id").load().size()).isEqualTo(1);
  }

  @Test
  void readsAColumnInTwoRoles() throws IOException {
    write("required int64 y;", row -> row.append("y", 2L), row -> row.append("y", 1L));

    ImageSet set = spec("window=1&label=y&group=y&channels=y").load();

    assertThat(set.labels()).containsExactly(2, 1);
    assertThat(window(set, 1)).containsExactly(1);
  }

  @Test
  void countsRowsThroughRowGroups() throws IOException {
    List<Cells> rows = new ArrayList<>();
    for (int i = 0; i < 40_000; i++) {
      float x = i == 39_000 ? Float.NaN : i;
      rows.add(row -> row.append("x", x).append("y", 0L));
    }
    write(
        "t.parquet",
        "required float x; required int64 y;",
        CompressionCodecName.UNCOMPRESSED,
        WriterVersion.PARQUET_1_0,
        rows);

    assertRefused("window=1&label=y", "row 39001: x: expected a finite number, found NaN");
  }

  @Test
  void saysWhichCellOrColumnIsWrong() throws IOException {
    write(
        "required float x; optional double z; required int64 y; required int64 t (TIMESTAMP(MILLIS,"
            + " true)); optional group at { required float lat; } repeated float many;",
        row -> row.append("x", 1f).append("z", 1.0).append("y", 0L).append("t", 1L),
        row -> row.append("x", 2f).append("y", -3L).append("t", 1L));

    assertRefused("window=1&label=y", "row 2: z: expected a value, found null");
    assertRefused(
        "window=1&label=y&channels=x", "row 2: y: expected a label from 0 to 99,999, found \"-3\"");
    assertRefused(
        "window=1&label=y&channels=x,w", "expected a column \"w\", found [x, z, y, t, at, many]");
    assertRefused(
        "window=1&label=y&channels=at",
        "at: expected a column of numbers or text, found a nested one (group)");
    assertRefused(
        "window=1&label=y&channels=many",
        "many: expected a column of numbers or text, found repeated float many");
    assertRefused(
        "window=1&label=y&channels=t",
        "t: expected a column of numbers or text, found required int64 t (TIMESTAMP(MILLIS,true))");
  }

  @Test
  void saysWhichTextIsNoNumber() throws IOException {
    write(
        "required binary x (STRING); required int64 y;",
        row -> row.append("x", "fast").append("y", 0L));

    assertRefused(
        "window=1&label=y&channels=x", "row 1: x: expected a finite number, found \"fast\"");
  }

  @Test
  void refusesTablesWithoutRows() throws IOException {
    write("required float x; required int64 y;");

    assertRefused("window=1&label=y", "expected rows, found none");
  }

  @Test
  void refusesCompressionThatItCannotUndo() throws IOException {
    write(
        "t.parquet",
        "required float x; required int64 y;",
        CompressionCodecName.LZ4_RAW,
        WriterVersion.PARQUET_1_0,
        List.of(row -> row.append("x", 1f).append("y", 0L)));

    assertRefused(
        "window=1&label=y", "expected compression by SNAPPY, GZIP or ZSTD, or none, found LZ4_RAW");
  }

  @Test
  void refusesFilesThatAreNoneOrCutOff() throws IOException {
    write("required float x; required int64 y;", row -> row.append("x", 1f).append("y", 0L));
    Path file = folder.resolve("t.parquet");
    byte[] whole = Files.readAllBytes(file);
    String refusal = "not a Parquet file, or a damaged one: ";

    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertRefused("window=1&label=y", refusal);
    }
    Files.writeString(file, "x,y\n1,2\n3,4\n5,6\n7,8\n");
    assertRefused("window=1&label=y", refusal + "it is not a Parquet file");
    Files.delete(file);
    assertThatThrownBy(() -> spec("window=1&label=y").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("parquet: no such file: " + file);
  }

  @Test
  void eitherReadsOrRefusesFilesWithAWrongByte() throws IOException {
    write(
        SCHEMA,
        row -> row.append("a", 1f).append("b", 2.0).append("car", "A").append("y", 0L),
        row -> row.append("a", 3f).append("b", 4.0).append("car", "B").append("y", 1L));
    Path file = folder.resolve("t.parquet");
    byte[] whole = Files.readAllBytes(file);
    int refused = 0;

    for (int i = 0; i < whole.length; i++) {
      byte[] damaged = whole.clone();
      damaged[i] ^= 0x55;
      Files.write(file, damaged);
      try {
        assertThat(spec("window=1&label=y").load().size()).isPositive();
      } catch (InvalidInputException e) {
        assertThat(e).message().contains("t.parquet").hasLineCount(1);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  private void assertRefused(String options, String message) {
    assertThatThrownBy(() -> spec(options).load())
        .isInstanceOf(InvalidInputException.class)
        .message()
        .startsWith(folder.resolve("t.parquet") + ": " + message)
        .hasLineCount(1);
  }

  private DataSpec spec(String options) {
    return DataSpec.parse("parquet:%s?%s".formatted(folder.resolve("t.parquet"), options));
  }

  private static float[] window(ImageSet set, int index) {
    float[] values = new float[set.shape().size()];
    set.read(index, values);
    return values;
  }

  private void write(String fields, Cells... rows) throws IOException {
    write(
        "t.parquet", fields, CompressionCodecName.SNAPPY, WriterVersion.PARQUET_1_0, List.of(rows));
  }

  private void write(
      String name,
      String fields,
      CompressionCodecName codec,
      WriterVersion version,
      List<Cells> rows)
      throws IOException {
    MessageType schema = MessageTypeParser.parseMessageType("message table { " + fields + " }");
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(folder.resolve(name)))
            .withConf(new PlainParquetConfiguration())
            .withCodecFactory(new Compression())
            .withCompressionCodec(codec)
            .withWriterVersion(version)
            .withRowGroupSize(16_384L)
            .withPageSize(4_096)
            .withType(schema)
            .build()) {
      for (Cells row : rows) {
        Group group = new SimpleGroup(schema);
        row.fill(group);
        writer.write(group);
      }
    }
  }

  /** The other direction of {@link ParquetCodecs}. */
  private static final class Compression implements CompressionCodecFactory {

    private interface Compressing {
      byte[] apply(byte[] page) throws IOException;
    }

    private record Pages(CompressionCodecName codec, Compressing compressing)
        implements BytesInputCompressor {
      @Override
      public BytesInput compress(BytesInput page) throws IOException {
        return BytesInput.from(compressing.apply(page.toInputStream().readAllBytes()));
      }

      @Override
      public CompressionCodecName getCodecName() {
        return codec;
      }

      @Override
      public void release() {}
    }

    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
      return new Pages(
          codec,
          switch (codec) {
            case SNAPPY -> Snappy::compress;
            case ZSTD -> Zstd::compress;
            case GZIP -> Compression::gzip;
            default -> page -> page;
          });
    }

    private static byte[] gzip(byte[] page) throws IOException {
      ByteArrayOutputStream zipped = new ByteArrayOutputStream();
      try (OutputStream out = new GZIPOutputStream(zipped)) {
        out.write(page);
      }
      return zipped.toByteArray();
    }

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
      throw new UnsupportedOperationException("files are only written");
    }

    @Override
    public void release() {}
  }
}
