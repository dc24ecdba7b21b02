package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DemoCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final CommandLine line =
      Acclimate.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

  private List<String> rows(String name) {
    return out.toString().lines().filter(row -> row.startsWith(name + "  ")).toList();
  }

  private List<String> cells(String name) {
    List<String> rows = rows(name);
    assertThat(rows).as(name + " in\n" + out + err).hasSize(1);
    return List.of(rows.get(0).split(" {2,}")).subList(1, rows.get(0).split(" {2,}").length);
  }

  @Test
  void showsEveryDomainAndThatEachRequestIsAnsweredOnceByEachMethod() {
    int code =
        line.execute("demo", "--samples", "160", "--corruptions", "none,contrast,none,contrast");

    assertThat(cells("domain"))
        .containsExactly(
            "samples", "frozen", "alpha-bn", "unmix-tns", "unmix-tns cal.", "samples/s");
    for (String domain : List.of("none", "contrast", "none (2)", "contrast (2)")) {
      List<String> cells = cells(domain);
      assertThat(cells).hasSize(6).startsWith("160");
      assertThat(cells.subList(1, 5))
          .allSatisfy(cell -> assertThat(Double.parseDouble(cell)).isBetween(10.0, 100.0));
    }
    assertThat(Double.parseDouble(cells("none").get(1))).isGreaterThan(85);
    // a model that keeps no state answers the same samples the same way
    assertThat(cells("none (2)").get(1)).isEqualTo(cells("none").get(1));
    assertThat(cells("answers")).containsOnly("640");
    for (String none : List.of("missing", "repeated", "dead letters")) {
      assertThat(cells(none)).containsOnly("0");
    }
    assertThat(out.toString()).contains("each was answered exactly once by each method.");
    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
  }

  @Test
  void takesTheMethodsThatItIsGivenBesideTheFrozenModel() {
    int code =
        line.execute(
            "demo", "--samples", "64", "--corruptions", "fog", "--methods", "tbn,source,bn-prior");

    assertThat(cells("domain"))
        .containsExactly("samples", "frozen", "tbn", "bn-prior", "samples/s");
    assertThat(cells("fog")).hasSize(5).startsWith("64");
    assertThat(code).isZero();
  }

  @Test
  void saysInOneLineThatThePortIsTaken() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int code =
          line.execute(
              "demo",
              "--samples=64",
              "--corruptions=none",
              "--methods=tbn",
              "--port=" + taken.getLocalPort());

      assertThat(err.toString())
          .startsWith("acclimate demo: cannot listen on 127.0.0.1:" + taken.getLocalPort())
          .hasLineCount(1);
      assertThat(code).isEqualTo(1);
    }
  }

  @Test
  void refusesWhatItCannotShow() {
    assertThat(line.execute("demo", "--methods", "tbn,tbn")).isEqualTo(2);
    assertThat(line.execute("demo", "--samples", "0")).isEqualTo(2);
    assertThat(line.execute("demo", "--corruptions", "rain")).isEqualTo(2);
    assertThat(line.execute("demo", "--data", "npz:nowhere.npz")).isEqualTo(2);

    assertThat(err.toString())
        .contains("expected each method once, found 'tbn' twice")
        .contains("--samples: expected")
        .contains("expected any of none, gaussian_noise")
        .contains("nowhere.npz")
        .hasLineCount(4);
  }
}
