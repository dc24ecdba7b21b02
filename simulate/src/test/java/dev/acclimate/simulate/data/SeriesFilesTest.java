package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SeriesFilesTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"drive.csv", "drive.csv.gz"})
  void readsRowsAsTimeStepsAndNumericColumnsAsChannels(String name) throws IOException {
    write(
        name,
        "time,speed,state,\"load, kN\"",
        "08:00,1,0,-1.5",
        "08:01,2,0,2e3",
        "",
        "08:02,3,2,.5",
        "08:03, 4 ,2,7",
        "08:04,5,2,8");

    ImageSet set = spec(name, "window=2&label=state").load();

    assertThat(set.name()).isEqualTo(name);
    assertThat(set.shape()).isEqualTo(new ImageShape(2, 1, 2));
    assertThat(set.values()).isEqualTo(Values.MEASUREMENTS);
    assertThat(set.classes()).containsExactly("0", "1", "2");
    assertThat(windows(set)).containsExactly("0: 1 2 -1.5 2000", "2: 3 4 0.5 7");
  }

  @Test
  void takesChannelsInTheOrderAskedFor() throws IOException {
    write("a.csv", "a,b,c,y", "1,2,3,0", "4,5,6,0");

    assertThat(windows(spec("a.csv", "window=2&label=y&channels=c,a").load()))
        .containsExactly("0: 3 6 1 4");
  }

  @Test
  void readsFilesAsSpreadsheetsAndPandasWriteThem() throws IOException {
    write("a.csv", "\ufeff,a , y\r", "0,1,0\r", "1,2,0\r");

    assertThat(windows(spec("a.csv", "window=2&label=y").load())).containsExactly("0: 1 2");
  }

  @Test
  void letsWindowsOverlap() throws IOException {
    write("a.csv", "x,y", "1,0", "2,0", "3,0", "4,0", "5,0", "6,0");

    assertThat(windows(spec("a.csv", "window=3&stride=2&label=y").load()))
        .containsExactly("0: 1 2 3", "0: 3 4 5");
  }

  @Test
  void labelsWindowsByMostOfTheirRowsAndByTheFirstOfSeveral() throws IOException {
    write("a.csv", "x,y", "1,0", "2,1", "3,1", "4,2", "5,1", "6,2", "7,1", "8,0", "9,2");

    assertThat(windows(spec("a.csv", "window=3&label=y").load()))
        .containsExactly("1: 1 2 3", "2: 4 5 6", "1: 7 8 9");
  }

  @Test
  void sortsNamesOfClassesUnlessToldTheirOrder() throws IOException {
    write("a.csv", "x,y", "1,worn", "2,new", "3, worn ");

    ImageSet sorted = spec("a.csv", "window=1&label=y").load();
    ImageSet given = spec("a.csv", "window=1&label=y&classes=worn,broken,new").load();

    assertThat(sorted.classes()).containsExactly("new", "worn");
    assertThat(sorted.labels()).containsExactly(1, 0, 1);
    assertThat(given.classes()).containsExactly("worn", "broken", "new");
    assertThat(given.labels()).containsExactly(0, 2, 0);
  }

  @Test
  void cutsNoWindowAcrossGroupsAlsoWhereTheirRowsAreMixed() throws IOException {
    write("a.csv", "x,y,car", "1,0,B", "2,0,A", "3,0,B", "4,0,A", "5,0,A", "6,0,B", "7,0,A");

    ImageSet set = spec("a.csv", "window=2&label=y&group=car").load();

    assertThat(set.shape().channels()).isEqualTo(1);
    assertThat(windows(set)).containsExactly("0: 1 3", "0: 2 4", "0: 5 7");
  }

  @Test
  void takesEachFileOfAFolderForARecordingOfItsOwn() throws IOException {
    write("b.csv", "x,y", "5,0", "6,0");
    write("a.csv", "y,x", "1,1", "0,2", "1,3");
    write("c.csv.gz", "x,y", "7,1", "8,1");
    write("notes.txt", "x");

    ImageSet set = spec("", "window=2&label=y").load();

    assertThat(set.name()).isEqualTo(String.valueOf(folder.getFileName()));
    assertThat(windows(set)).containsExactly("1: 1 2", "0: 5 6", "1: 7 8");
    assertThat(spec("", "window=2&label=y").hasTrainingPart()).isFalse();
    assertThat(windows(spec("", "window=2&label=y").load(Split.TRAIN))).isEqualTo(windows(set));
  }

  @ParameterizedTest
  @ValueSource(strings = {"test", "val", "validation"})
  void tellsSplitsApartAndNamesTheirClassesAlike(String test) throws IOException {
    write("train/a.csv", "x,y", "1,on", "2,idle");
    write(test + "/a.csv", "x,y", "3,on", "4,off");
    DataSpec spec = spec("", "window=1&label=y");

    assertThat(spec.hasTrainingPart()).isTrue();
    assertThat(windows(spec.load(Split.TRAIN))).containsExactly("2: 1", "0: 2");
    assertThat(windows(spec.load(Split.TEST))).containsExactly("2: 3", "1: 4");
    assertThat(spec.load(Split.TRAIN).classes()).containsExactly("idle", "off", "on");
    assertThat(spec.load(Split.TEST).classes()).containsExactly("idle", "off", "on");
  }

  @Test
  void readsRowsOfNamedDomains() throws IOException {
    write(
        "a.csv",
        "x,y,light",
        "1,0,night",
        "2,0,night",
        "3,0,day",
        "4,0,day",
        "5,0,day",
        "6,0,night",
        "7,1,night",
        "8,1,night");
    DataSpec spec = spec("a.csv", "window=2&label=y&domain=light&source=day");
    DataSpec unnamed = spec("a.csv", "window=2&label=y&domain=light");

    assertThat(spec.domains()).containsExactly("night");
    assertThat(windows(spec.load())).containsExactly("0: 3 4");
    assertThat(windows(spec.loadDomain("night", 3))).containsExactly("0: 1 2", "0: 6 7");
    assertThat(spec.loadDomain("night", 3).name()).isEqualTo("a.csv/night");
    assertThat(unnamed.domains()).containsExactly("night", "day");
    assertThatThrownBy(unnamed::load)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            folder.resolve("a.csv")
                + " holds no clean samples: name its own domains (night, day) as corruptions and"
                + " leave out none, or say which of them is clean, for example &source=night");
    assertThatThrownBy(() -> spec.loadDomain("dusk", 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("data: expected one of the set's own domains [night], found \"dusk\"");
    assertThatThrownBy(() -> spec("a.csv", "window=2&label=y&domain=light&source=dusk").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("data: expected one of the set's own domains [night, day], found \"dusk\"");
    assertThatThrownBy(() -> spec("a.csv", "window=4&label=y&domain=light&source=day").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "a.csv/day: expected at least 4 rows that follow on one another, a window, found at"
                + " most 3");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "x,y;1,0;2,0;z,0 | line 4: x: expected a finite number, found \"z\"",
        "x,y;1,0;,0 | line 3: x: expected a finite number, found \"\"",
        "x,y;,0;1,0 | line 2: x: expected a finite number, found \"\"",
        "x,y;NaN,0 | line 2: x: expected a finite number, found \"NaN\"",
        "x,y;1,0;1e39,0 | line 3: x: expected a finite number, found \"1e39\"",
        "x,y;1,0;Infinity,0 | line 3: x: expected a finite number, found \"Infinity\"",
        "x,y;1,0;1f,0 | line 3: x: expected a finite number, found \"1f\"",
        "x,y;1,0;0x1p3,0 | line 3: x: expected a finite number, found \"0x1p3\"",
        "x,y;1,0;;2 | line 4: expected 2 cells, as there are column names, found 1",
        "x,y;1,0,3 | line 2: expected 2 cells, as there are column names, found 3",
        "x,y;1,0;1,0,3 | line 3: expected 2 cells, as there are column names, found 3",
        "x,y,x;1,0,1 | expected each column once, found \"x\" again",
        "x,z;1,0 | expected a column \"y\", found [x, z]",
        "x;y,1;0 | line 2: expected 1 cells, as there are column names, found 2",
        "t,y;a,0 | expected a numeric column beside y, found [t, y]",
        "x,y | expected rows below the column names, found none",
        "x,y;1,0;2,-1 | line 3: y: expected a label from 0 to 99,999, found \"-1\"",
        "x,y;1,0;2,0.5 | line 3: y: expected a label from 0 to 99,999, found \"0.5\"",
        "x,y;1,0;2,100000 | line 3: y: expected a label from 0 to 99,999, found \"100000\"",
        "x,y;1,0;2,9999999999 | line 3: y: expected a label from 0 to 99,999, found \"9999999999\"",
        "x,y;1,0;2,on | line 3: y: expected a label from 0 to 99,999, found \"on\"",
        "x,y;1,;2,on | line 2: y: expected a value, found none",
        "x,y;1,nan | line 2: y: expected a label from 0 to 99,999, found \"nan\"",
        "x,note,y;1,a,0;2,\"b,0;3,c,0 | line 3: expected 3 cells, as there are column names, found 2",
        "x,y,note;1,0,a;2,0,\"b;3,0,c | line 3: expected the file's last cell within one line, found a"
            + " quote left open",
        "x,y;1,\"0\"1 | no CSV: ",
      })
  void saysWhichCellIsWrong(String lines, String message) throws IOException {
    write("a.csv", lines.split(";"));

    assertThatThrownBy(() -> spec("a.csv", "window=1&label=y").load())
        .isInstanceOf(InvalidInputException.class)
        .message()
        .startsWith(folder.resolve("a.csv") + ": " + message)
        .hasLineCount(1);
  }

  @Test
  void countsLinesOfTheFileNotRows() throws IOException {
    write("a.csv", "x,note,y", "1,\"two\nlines\",0", "", "z,,0");

    assertThatThrownBy(() -> spec("a.csv", "window=1&label=y").load())
        .hasMessageEndingWith("line 5: x: expected a finite number, found \"z\"");
  }

  @Test
  void saysWhatIsWrongWithTheFile() throws IOException {
    write("empty.csv");
    Files.write(folder.resolve("text.csv.gz"), "x,y\n1,2\n".getBytes(StandardCharsets.UTF_8));
    write("cut.csv.gz", "x,y", "1,2");
    byte[] whole = Files.readAllBytes(folder.resolve("cut.csv.gz"));
    Files.write(folder.resolve("cut.csv.gz"), Arrays.copyOf(whole, whole.length - 12));
    Files.createDirectory(folder.resolve("none"));

    assertRefused("nowhere.csv", "csv: no such file: " + folder.resolve("nowhere.csv"));
    assertRefused(
        "empty.csv", folder.resolve("empty.csv") + ": expected a line of column names, found none");
    assertRefused(
        "text.csv.gz", folder.resolve("text.csv.gz") + ": cannot be read: Not in GZIP format");
    assertRefused("cut.csv.gz", folder.resolve("cut.csv.gz") + ": ends too early");
    assertRefused("none", folder.resolve("none") + ": expected files .csv or .csv.gz, found none");
  }

  @Test
  void saysWhichPartIsMissing() throws IOException {
    write("train/a.csv", "x,y", "1,0");

    assertRefused("", folder.resolve("test") + ": expected files .csv or .csv.gz, found none");
  }

  @Test
  void refusesFilesOfOtherColumns() throws IOException {
    write("a.csv", "x,y", "1,0");
    write("b.csv", "x,z,y", "1,2,0");

    assertRefused(
        "",
        "%s: expected the numeric columns of %s, [x], found [x, z]: name those wanted with channels="
            .formatted(folder.resolve("b.csv"), folder.resolve("a.csv")));
    assertThat(windows(spec("", "window=1&label=y&channels=x").load()))
        .containsExactly("0: 1", "0: 1");
  }

  @Test
  void refusesClassesThatWereNotNamed() throws IOException {
    write("a.csv", "x,y", "1,on", "2,off");

    assertThatThrownBy(() -> spec("a.csv", "window=1&label=y&classes=on,idle").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            folder.resolve("a.csv")
                + ": line 3: y: expected one of the classes [on, idle], found \"off\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "label=y | window=N, a number of rows from 1 to 1,048,576, found \"\"",
        "window=0&label=y | window=N, a number of rows from 1 to 1,048,576, found \"window=0\"",
        "window=x&label=y | window=N, a number of rows from 1 to 1,048,576, found \"window=x\"",
        "window=2000000&label=y | window=N, a number of rows from 1 to 1,048,576",
        "window=1&stride=-1&label=y | stride=N, a number of rows from 1 to 1,048,576",
        "window=1 | label=COLUMN, the column of classes, found \"\"",
        "window=1&label=y&size=3 | [window, stride, label, channels, group, domain, source, classes]"
            + " as KEY=VALUE, found \"size=3\"",
        "window=1&window=2&label=y | window once, found \"window=1&window=2&label=y\"",
        "window=1&label=y&channels=a,a | channels=A,B,C, each once, found \"channels=a,a\"",
        "window=1&label=y&classes=a, | classes=A,B,C, each once, found \"classes=a,\"",
        "window=1&label=y&source=a | domain=COLUMN beside source=a, found \"source alone\"",
      })
  void refusesWrongOptions(String options, String message) {
    assertThatThrownBy(() -> spec("a.csv", options))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("data: csv: expected ")
        .hasMessageContaining(message);
  }

  private void assertRefused(String name, String message) {
    assertThatThrownBy(() -> spec(name, "window=1&label=y").load())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(message);
  }

  private DataSpec spec(String name, String options) {
    return DataSpec.parse("csv:%s?%s".formatted(folder.resolve(name), options));
  }

  /** Label and values of each window, as {@code 0: 1 2 3}. */
  private static List<String> windows(ImageSet set) {
    List<String> windows = new ArrayList<>();
    float[] values = new float[set.shape().size()];
    for (int i = 0; i < set.size(); i++) {
      set.read(i, values);
      StringBuilder text = new StringBuilder(set.label(i) + ":");
      for (float value : values) {
        text.append(' ').append(Float.toString(value).replaceFirst("\\.0$", ""));
      }
      windows.add(text.toString());
    }
    return windows;
  }

  private void write(String name, String... lines) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    try (OutputStream raw = Files.newOutputStream(file);
        OutputStream out = name.endsWith(".gz") ? new GZIPOutputStream(raw) : raw) {
      for (String line : lines) {
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
  }
}
