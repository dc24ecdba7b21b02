package dev.acclimate.models;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession.SessionOptions;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a session's operators run on, as users write it: {@code auto}, {@code cpu}, {@code cuda},
 * {@code cuda:1}, ...
 *
 * @param kind the provider
 * @param device device number, 0 where none was given
 */
public record ExecutionProvider(Kind kind, int device) {
  public static final ExecutionProvider AUTO = new ExecutionProvider(Kind.AUTO, 0);
  public static final ExecutionProvider CPU = new ExecutionProvider(Kind.CPU, 0);

  private static final Pattern SYNTAX = Pattern.compile("([a-z]+)(?::(\\d{1,3}))?");

  /** The providers, each after those that {@code auto} prefers to it. */
  public enum Kind {
    AUTO(null),
    CUDA(OrtProvider.CUDA),
    TENSORRT(OrtProvider.TENSOR_RT),
    OPENVINO(OrtProvider.OPEN_VINO),
    COREML(OrtProvider.CORE_ML),
    DIRECTML(OrtProvider.DIRECT_ML),
    WEBGPU(OrtProvider.WEBGPU),
    XNNPACK(OrtProvider.XNNPACK),
    CPU(OrtProvider.CPU);

    private final @Nullable OrtProvider provider;

    Kind(@Nullable OrtProvider provider) {
      this.provider = provider;
    }

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    boolean isOffered() {
      return provider == null || offered().contains(provider);
    }

    boolean takesDevice() {
      return this == CUDA || this == TENSORRT || this == DIRECTML;
    }
  }

  /**
   * Reads a provider's name.
   *
   * @throws InvalidInputException when there is no such provider
   */
  public static ExecutionProvider parse(String text) {
    Matcher matcher = SYNTAX.matcher(text);
    if (matcher.matches()) {
      for (Kind kind : Kind.values()) {
        if (kind.word().equals(matcher.group(1))
            && (matcher.group(2) == null || kind.takesDevice())) {
          return new ExecutionProvider(
              kind, matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2)));
        }
      }
    }
    throw new InvalidInputException(
        "unknown execution provider '"
            + text
            + "': expected one of "
            + Arrays.stream(Kind.values())
                .map(kind -> kind.takesDevice() ? kind.word() + "[:id]" : kind.word())
                .collect(Collectors.joining(", ")));
  }

  private static EnumSet<OrtProvider> offered() {
    return OrtEnvironment.getAvailableProviders();
  }

  /** The providers to try in turn: one that was named, or for {@code auto} all that are there. */
  List<ExecutionProvider> candidates() {
    if (kind != Kind.AUTO) {
      if (!kind.isOffered()) {
        throw missing();
      }
      return List.of(this);
    }
    return Arrays.stream(Kind.values())
        // TensorRT compiles for minutes and XNNPACK is no faster than the default: on request only
        .filter(k -> k != Kind.AUTO && k != Kind.TENSORRT && k != Kind.XNNPACK)
        .filter(Kind::isOffered)
        .map(k -> new ExecutionProvider(k, 0))
        .toList();
  }

  private InvalidInputException missing() {
    String remedy =
        switch (kind) {
          case CUDA, TENSORRT ->
              "build with the Maven profile -Pgpu to bring it (mvn package -Pgpu)";
          default ->
              "the Maven profile -Pgpu brings cuda and tensorrt; "
                  + kind.word()
                  + " needs an ONNX Runtime built with it, see -Donnxruntime.artifact in pom.xml";
        };
    return new InvalidInputException(
        "execution provider '"
            + this
            + "' is missing: this build of ONNX Runtime offers "
            + offeredWords()
            + "; "
            + remedy);
  }

  private static String offeredWords() {
    return Arrays.stream(Kind.values())
        .filter(k -> k != Kind.AUTO && k.isOffered())
        .map(Kind::word)
        .collect(Collectors.joining(", "));
  }

  void addTo(SessionOptions options) throws OrtException {
    switch (kind) {
      case AUTO, CPU -> {} // always there, behind all others
      case CUDA -> options.addCUDA(device);
      case TENSORRT -> {
        options.addTensorrt(device);
        options.addCUDA(device); // for the operators that TensorRT leaves
      }
      case OPENVINO -> options.addOpenVINO("");
      case COREML -> options.addCoreML();
      case DIRECTML -> options.addDirectML(device);
      case WEBGPU -> options.addWebGPU(Map.of());
      case XNNPACK -> options.addXnnpack(Map.of());
    }
  }

  @Override
  public String toString() {
    return device == 0 ? kind.word() : kind.word() + ":" + device;
  }
}
