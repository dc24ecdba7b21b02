package dev.acclimate.agent;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.NormalizationInsertion;
import dev.acclimate.models.OnnxModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes an adapted model and its first state. */
@Command(
    name = "adapt",
    description = {
      "Rewrites a model so that it adapts, and writes its initial state beside it. Both run in any",
      "ONNX runtime: feed each acclimate/<state>/next output back as the acclimate/<state> input."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate adapt resnet20.onnx --method \"unmix-tns[components=16]\" \\",
      "    --out resnet20-adapted.onnx --seed 1"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class AdaptCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or builtin.")
  private String model;

  @Option(
      names = "--method",
      required = true,
      paramLabel = "M",
      description =
          "source, tbn, bn-prior, ema, alpha-bn, unmix-tns or adab2n, with options in brackets:"
              + " alpha-bn[source-weight=0.8]; with +tent, +core, +eta or +sar it learns too.")
  private String method;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The adapted model.")
  private Path out;

  @Option(
      names = "--state",
      paramLabel = "FILE",
      description = "Its initial state. Default: --out with the ending .safetensors.")
  private @Nullable Path state;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description = "Source samples' statistics, made by calibrate, for init=calibrated.")
  private @Nullable Path calibration;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of starts that are random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--insert-normalization",
      description =
          "First put a normalization without parameters in front of each non-linearity that has"
              + " none, for learning with nap. The model must be fine-tuned before it answers.")
  private boolean insertNormalization;

  @Override
  public Integer call() {
    OnnxModel loaded = new ModelArgument(model).load();
    AdaptedModel adapted =
        AdaptedModel.adapt(insertNormalization ? normalized(loaded) : loaded, Method.parse(method));
    Calibration measured = calibration == null ? null : Calibration.read(calibration);
    AdaptationState initial = adapted.initialState(seed, measured);
    Path stateFile = state == null ? besides(out) : state;
    adapted.model().write(out);
    initial.write(stateFile);
    PrintWriter writer = spec.commandLine().getOut();
    writer.println(
        "%s: %d sites adapt by %s"
            .formatted(out, adapted.adaptedSites(), adapted.method().canonical()));
    writer.println("%s: initial state, %d bytes".formatted(stateFile, initial.sizeInBytes()));
    writer.flush();
    return 0;
  }

  private OnnxModel normalized(OnnxModel loaded) {
    NormalizationInsertion.Inserted inserted = NormalizationInsertion.insert(loaded);
    PrintWriter err = spec.commandLine().getErr();
    err.println(
        "warning: normalizations inserted before %s: the model computes something else now and must be fine-tuned before it answers"
            .formatted(String.join(", ", inserted.places())));
    err.flush();
    return inserted.model();
  }

  private static Path besides(Path model) {
    String name = String.valueOf(model.getFileName());
    String base = name.endsWith(".onnx") ? name.substring(0, name.length() - 5) : name;
    return model.resolveSibling(base + ".safetensors");
  }
}
