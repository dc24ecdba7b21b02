package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is wrong with the input: one clear line on standard error, and exit code 2. */
class BadInputTest {
  @TempDir private Path folder;
  private Path text;
  private Path truncated;
  private Path folded;
  private Path refused;
  private Path model;

  @BeforeEach
  void writeFiles() throws IOException {
    byte[] whole = SmallModels.withSite(0);
    text = Files.writeString(folder.resolve("text.onnx"), "Dear reader, this is no model.");
    truncated =
        Files.write(
            folder.resolve("truncated.onnx"),
            Arrays.copyOf(whole, whole.length - whole.length / 3));
    folded = Files.write(folder.resolve("folded.onnx"), SmallModels.folded());
    refused = Files.write(folder.resolve("refused.onnx"), SmallModels.withUnknownOperator());
    model = Files.write(folder.resolve("model.onnx"), whole);
    Files.createDirectory(folder.resolve("short"));
    Files.write(folder.resolve("short/test_batch.bin"), new byte[100]);
    Files.writeString(folder.resolve("text.npz"), "no archive");
    Files.writeString(folder.resolve("series.csv"), "a,b,c,y\n1,2,3,0\n4,5,6,9\n");
    Files.writeString(
        folder.resolve("wrong.yaml"), "segments: [{}, {domain: fog, severity: 1..9}]");
    Files.writeString(folder.resolve("rain.yaml"), "segments: [{name: wet, domain: rain}]");
    Files.writeString(folder.resolve("classes.yaml"), "segments: [{classes: [10]}]");
  }

  private static void assertRefused(CommandLineRun run, String... parts) {
    assertThat(run.err()).contains(parts).hasLineCount(1).doesNotContain("Exception", "\tat ");
    assertThat(run.out()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(2);
  }

  /** Arguments separated by spaces; {@code @} stands for the folder of this test's files. */
  private CommandLineRun run(String arguments) {
    return CommandLineRun.of(
        Arrays.stream(arguments.split(" ", -1))
            .map(argument -> argument.replace("@", folder.toString()))
            .toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "inspect @/text.onnx | acclimate inspect: @/text.onnx: not an ONNX model",
        "inspect @/truncated.onnx | @/truncated.onnx: not an ONNX model, or a truncated one",
        "inspect @/none.onnx | @/none.onnx: no such model file",
        "inspect @ | @: not a file",
        "inspect @/refused.onnx | refused: ONNX Runtime refuses the model",
        "adapt @/text.onnx --method ema --out @/a.onnx | @/text.onnx: not an ONNX model",
        "bench @/truncated.onnx | @/truncated.onnx: not an ONNX model, or a truncated one",
        "simulate --model @/text.onnx --out @/r | @/text.onnx: not an ONNX model",
        "adapt @/model.onnx --method emma --out @/a.onnx | unknown method 'emma': expected one of",
        "adapt @/model.onnx --method ema[speed=1] --out @/a.onnx | unknown option 'speed'",
        "adapt @/model.onnx --method ema[momentum=2] --out @/a.onnx | option 'momentum': expected",
        "adapt @/model.onnx --method ema+nap --out @/a.onnx | method 'ema+nap': nap projects what a companion learns: put it behind one, such as tbn+supervised+nap",
        "adapt @/model.onnx --method ema --out @/no/a.onnx | @/no/a.onnx: cannot be written: its folder does not exist",
        "adapt @/model.onnx --method ema --out @/a.onnx --state @/no/s | @/no/s: cannot be written: its folder",
        "adapt @/model.onnx --method unmix-tns[init=calibrated] --out @/a.onnx | acclimate calibrate",
        "adapt @/model.onnx --method ema --calibration @/none --out @/a.onnx | none: no such file",
        "adapt @/model.onnx --method ema | Missing required option: '--out=FILE'",
        "simulate --methods source,emma --out @/r | unknown method 'emma'",
        "simulate --corruptions rain --out @/r | rain",
        "simulate --severity 9 --out @/r | severity",
        "simulate --order upwards --out @/r | upwards",
        "simulate --domains many --out @/r | many",
        "simulate --data builtin:64 --batch-size 0 --out @/r | batch",
        "simulate --data builtin:64 --samples 65 --out @/r | --samples: expected 1 to 64, found 65",
        "simulate --data builtin:64 --mean 0,0,0 --out @/r | --mean and --std: expected both",
        "simulate --data builtin:64 --delta -1 --order dirichlet --out @/r | delta",
        "simulate --data builtin:64 --samples many --out @/r | --samples",
        "simulate --data photos:@ --out @/r | expected one of builtin, builtin:N, builtin-series,",
        "simulate --data cifar10:@/none --out @/r | @/none",
        "simulate --data cifar10:@/short --out @/r | @/short/test_batch.bin",
        "simulate --data npz:@/none.npz --out @/r | @/none.npz",
        "simulate --data csv:@/none.csv?window=2&label=y --out @/r | @/none.csv",
        "simulate --data csv:@/series.csv?label=y --out @/r | data: csv: expected window=N",
        "simulate --data csv:@/series.csv?window=2&label=z --out @/r | @/series.csv: expected a column \"z\"",
        "simulate --data csv:@/series.csv?window=9&label=y --out @/r | series.csv: expected at least 9 rows",
        "simulate --model builtin-series --data csv:@/series.csv?window=2&label=y --out @/r | input 'input' takes [batch, 3, 128], the data gives [64, 3, 2]",
        "simulate --model builtin-series --data csv:@/series.csv?window=2&label=y&channels=a,b --out @/r | expected 2 values of mean and std, one a channel of series.csv [2, 1, 2], found 3",
        "simulate --data parquet:@/none.parquet?window=2&label=y --out @/r | parquet: no such file: @/none.parquet",
        "simulate --data parquet:@/series.csv?window=2&label=y --out @/r | @/series.csv: not a Parquet file, or a damaged one",
        "simulate --data npz:@/text.npz --out @/r | @/text.npz",
        "simulate --sweep unmix-tns --out @/r | sweep: expected METHOD.OPTION=VALUE,VALUE",
        "simulate --sweep emma.momentum=1 --out @/r | unknown method 'emma'",
        "simulate --sweep ema.momentum=1 --methods tbn --out @/r | sweep ema.momentum: expected ema",
        "simulate --sweep unmix-tns.parts=4 --out @/r | unknown option 'parts'",
        "simulate --sweep unmix-tns.components=4,many --out @/r | option 'components': expected",
        "simulate compare @/none @/none | @/none: no such file",
        "simulate compare @/short @/short | @/short/results.json: no such file",
        "simulate compare @/text.onnx @/text.onnx | @/text.onnx: not JSON",
        "simulate compare @/short | Missing required parameter: 'B'",
        "calibrate builtin --data builtin:64 --components 65 --samples 64 --out @/c | --components",
        "bench builtin --provider gpu | unknown execution provider 'gpu': expected one of auto",
        "bench builtin --threads -1 | threads: expected 0",
        "bench builtin --methods source, --rounds 1 | method ''",
        "bench builtin --rounds 0 | --rounds",
        "simulate --data builtin:64 --order markov --stay 1.5 --out @/r | stay: expected a probability, 0 to 1, found 1.5",
        "simulate --data builtin:64 --imbalance 0.5 --out @/r | imbalance: expected a number of at least 1, found 0.5",
        "simulate --model builtin-series --data builtin-series:64 --corruptions fog --out @/r | fog is not defined on builtin-series, which holds measurements",
        "simulate --data builtin:64 --corruptions sensor_gain --out @/r | sensor_gain is not defined on builtin, which holds pixels",
        "simulate --data builtin:64 --out @/text.onnx | @/text.onnx: expected a folder, found a file",
        "simulate --scenario day-breaks --out @/r | scenario: expected a file, or one of night-falls, camera-replaced,",
        "simulate --scenario @/text.npz --out @/r | @/text.npz: expected keys and values, found 'no archive'",
        "simulate --scenario @/wrong.yaml --out @/r | @/wrong.yaml: segment 2: severity: expected numbers from 0 to 5 or ramps such as 0..5, found '1..9'",
        "simulate --scenario @/rain.yaml --data builtin:64 --out @/r | scenario rain: wet: corruptions: expected any of none,",
        "simulate --scenario @/classes.yaml --data builtin:64 --out @/r | scenario classes: none: classes: expected numbers from 0 to 9 or names out of [",
        "simulate --scenario seasonal --severity 3 --out @/r | --severity: expected not with --scenario",
        "simulate --scenario seasonal --order iid --out @/r | --order: expected not with --scenario",
        "simulate --scenario seasonal --domains mixed --out @/r | --domains: expected not with --scenario",
        "simulate --scenario seasonal --corruptions fog --out @/r | --corruptions: expected not with --scenario",
        "simulate --scenario seasonal --imbalance 2 --out @/r | --imbalance: expected not with --scenario",
        "simulate scenarios day-breaks | scenario: expected one of night-falls, camera-replaced,",
        "replay --config @/none.yaml --domains single,mixed | --domains and --order: expected one of each, found 2 streams",
        "replay --config @/none.yaml --rate 0 | --rate: expected a number above 0, found 0.0",
        "replay --config @/none.yaml --rate 5 --arrivals steady | --arrivals: expected one of uniform, poisson, bursty",
        "replay --config @/none.yaml --arrivals poisson | --rate: expected samples a second, found nothing",
        "replay --config @/none.yaml --arrivals trace:@/none.txt | @/none.txt: no such file",
        "replay --config @/none.yaml --arrivals trace:@/text.npz | @/text.npz: line 1: expected seconds",
        "replay --config @/none.yaml --speed 0 | --speed: expected a number above 0, found 0.0",
        "run --config @/none.yaml | @/none.yaml"
      })
  void isToldInOneLine(String arguments, String message) {
    assertRefused(run(arguments), message.replace("@", folder.toString()));
  }

  @Test
  void aModelWithoutSiteIsToldWhatWasFoundAndOfCalibrate() {
    assertRefused(
        run("adapt @/folded.onnx --method alpha-bn --out @/a.onnx"),
        "folded: no normalization site that can adapt: found 2 Relu, 1 Abs",
        "acclimate calibrate");
  }

  @Test
  void aMissingProviderIsToldWithWhatIsThereAndTheProfile() {
    assumeTrue(
        !OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA), "this build has CUDA");

    assertRefused(
        run("bench builtin --provider cuda:1 --rounds 1"),
        "execution provider 'cuda:1' is missing",
        "offers cpu",
        "-Pgpu");
  }

  private CommandLineRun runAgent(String configuration) throws IOException {
    Path file = Files.writeString(folder.resolve("agent.yaml"), configuration);
    return CommandLineRun.of("run", "--config", file.toString());
  }

  @Test
  void theStateOfAnotherModelIsToldWithBothNamed() throws IOException {
    Path other = Files.write(folder.resolve("other.onnx"), SmallModels.withSite(1));
    assertThat(run("adapt " + other + " --method ema --out @/a.onnx").exitCode()).isZero();

    CommandLineRun refusal =
        runAgent(
            """
            model: '%s'
            method: ema
            state: '%s'
            http: {port: 0}
            """
                .formatted(model, folder.resolve("a.safetensors")));

    assertRefused(
        refusal, "agent.yaml: state: ", "a.safetensors: is the state of another model", "(model)");
  }

  @Test
  void theStateOfAnotherMethodIsToldWithBothNamed() throws IOException {
    assertThat(run("adapt @/model.onnx --method ema --out @/a.onnx").exitCode()).isZero();

    CommandLineRun refusal =
        runAgent(
            """
            model: '%s'
            method: unmix-tns
            state: '%s'
            http: {port: 0}
            """
                .formatted(model, folder.resolve("a.safetensors")));

    assertRefused(refusal, "a.safetensors: method: expected unmix-tns, found ema");
  }

  @Test
  void aFailedCommandLeavesNoFileBehind() throws IOException {
    assertRefused(
        run("adapt @/model.onnx --method unmix-tns[init=calibrated] --out @/a.onnx"),
        "acclimate calibrate");

    try (var files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.startsWith("a."));
    }
  }

  @Test
  void aProcessPrintsNothingElse() throws Exception {
    assertRefused(
        CommandLineRun.inProcessOfItsOwn(folder, "inspect", truncated.toString()),
        truncated + ": not an ONNX model, or a truncated one");
    assertRefused(
        CommandLineRun.inProcessOfItsOwn(folder, "inspect", refused.toString()),
        "refused: ONNX Runtime refuses the model");
    assertRefused(
        CommandLineRun.inProcessOfItsOwn(
            folder, "adapt", folded.toString(), "--method", "ema", "--out", "a.onnx"),
        "folded: no normalization site");
  }

  @Test
  void verboseAddsTheStackTrace() {
    CommandLineRun run = run("inspect " + text + " --verbose");

    assertThat(run.err()).contains("InvalidInputException").contains("\tat dev.acclimate.models");
    assertThat(run.exitCode()).isEqualTo(2);
  }
}
