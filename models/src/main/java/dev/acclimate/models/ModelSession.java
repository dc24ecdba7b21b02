package dev.acclimate.models;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model loaded into ONNX Runtime. Inputs are read from, and outputs written to, direct buffers
 * that stay the same from run to run, so that a batch crosses into native code without a copy.
 *
 * <p>Not thread-safe: outputs belong to the session and are overwritten by its next run.
 */
public final class ModelSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ModelSession.class);

  private final OnnxModel model;
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final ExecutionProvider provider;
  private final List<TensorInfo> inputs;
  private final List<TensorInfo> outputs;
  private final Map<String, Tensor> buffers = new HashMap<>();
  private final Map<String, Tensor> results = new HashMap<>();

  private ModelSession(
      OnnxModel model, OrtEnvironment environment, OrtSession session, ExecutionProvider provider) {
    this.model = model;
    this.environment = environment;
    this.session = session;
    this.provider = provider;
    this.inputs = model.inputs();
    this.outputs = model.outputs();
  }

  /**
   * Loads a model.
   *
   * @throws InvalidInputException when ONNX Runtime refuses it, or the provider is not there
   */
  public static ModelSession open(OnnxModel model, SessionSettings settings) {
    return open(provider -> model, settings);
  }

  /**
   * Loads a model in the form that suits what it runs on.
   *
   * @param modelFor the form for a provider, never {@code auto}; all forms have the same inputs and
   *     outputs
   * @throws InvalidInputException as {@link #open(OnnxModel, SessionSettings)}
   */
  public static ModelSession open(
      Function<ExecutionProvider, OnnxModel> modelFor, SessionSettings settings) {
    OrtEnvironment environment = RuntimeEnvironment.get();
    List<ExecutionProvider> candidates = settings.provider().candidates();
    OrtException last = null;
    OnnxModel refused = null;
    for (ExecutionProvider candidate : candidates) {
      OnnxModel model = modelFor.apply(candidate);
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        // its warnings speak of the graph's insides, which no user can put right
        options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        if (settings.threads() > 0) {
          options.setIntraOpNumThreads(settings.threads());
        }
        candidate.addTo(options);
        OrtSession session = environment.createSession(model.toBytes(), options);
        log.debug("{} runs on {}", model.name(), candidate);
        return new ModelSession(model, environment, session, candidate);
      } catch (OrtException e) {
        last = e;
        refused = model;
        log.debug("{} does not run on {}: {}", model.name(), candidate, e.getMessage());
      }
    }
    throw refusal(refused, settings.provider(), last);
  }

  private static InvalidInputException refusal(
      @Nullable OnnxModel model, ExecutionProvider provider, @Nullable OrtException e) {
    if (e == null || model == null) {
      throw new IllegalStateException("no execution provider at all");
    }
    if (provider.kind() == ExecutionProvider.Kind.AUTO
        || provider.kind() == ExecutionProvider.Kind.CPU) {
      return RuntimeFailure.refused(model, e);
    }
    return new InvalidInputException(
        model.name()
            + ": execution provider '"
            + provider
            + "' cannot run it: "
            + RuntimeFailure.firstLine(e),
        e);
  }

  public OnnxModel model() {
    return model;
  }

  /** What the model runs on. */
  public ExecutionProvider provider() {
    return provider;
  }

  public List<TensorInfo> inputs() {
    return inputs;
  }

  public List<TensorInfo> outputs() {
    return outputs;
  }

  /** Runs the model; the outputs are valid until the next run. */
  public Map<String, Tensor> run(Map<String, Tensor> feeds) {
    return run(feeds, Map.of());
  }

  /**
   * Runs the model.
   *
   * @param feeds a tensor for every input
   * @param pinned tensors that receive some of the outputs
   * @return the other outputs, valid until the next run
   * @throws InvalidInputException when an input is missing or its type or shape does not fit
   * @throws RuntimeFailure when ONNX Runtime fails
   */
  public Map<String, Tensor> run(Map<String, Tensor> feeds, Map<String, Tensor> pinned) {
    Map<String, Long> symbols = bindSymbols(feeds);
    try {
      Map<String, OnnxTensor> in = new HashMap<>();
      for (TensorInfo input : inputs) {
        Tensor feed = Objects.requireNonNull(feeds.get(input.name())); // bindSymbols checked
        in.put(input.name(), feed.handle(environment));
      }
      Map<String, OnnxTensor> targets = new HashMap<>();
      Map<String, Tensor> answers = new LinkedHashMap<>();
      Set<String> unsized = new HashSet<>();
      for (TensorInfo output : outputs) {
        Tensor target = pinned.get(output.name());
        if (target == null) {
          target = result(output, symbols);
          if (target == null) {
            unsized.add(output.name());
            continue;
          }
          answers.put(output.name(), target);
        }
        targets.put(output.name(), target.handle(environment));
      }
      try (OrtSession.Result result = session.run(in, unsized, targets)) {
        for (String name : unsized) {
          answers.put(name, copyOf(name, result.get(name).orElseThrow()));
        }
      }
      return answers;
    } catch (OrtException e) {
      throw new RuntimeFailure(model.name() + ": " + RuntimeFailure.firstLine(e), e);
    }
  }

  private Map<String, Long> bindSymbols(Map<String, Tensor> feeds) {
    Map<String, Long> symbols = new HashMap<>();
    for (TensorInfo input : inputs) {
      Tensor feed = feeds.get(input.name());
      if (feed == null) {
        throw new InvalidInputException(
            model.name() + ": input '" + input.name() + "' is missing: got " + feeds.keySet());
      }
      long[] shape = feed.shape();
      if (feed.type() != input.type() || !input.accepts(shape)) {
        throw new InvalidInputException(
            model.name()
                + ": input '"
                + input.name()
                + "' expects "
                + input.type()
                + " "
                + input.shapeText()
                + ", got "
                + feed);
      }
      for (int axis = 0; axis < shape.length; axis++) {
        Dimension dimension = input.dimensions().get(axis);
        Long bound =
            dimension.symbol().isEmpty()
                ? null
                : symbols.putIfAbsent(dimension.symbol(), shape[axis]);
        if (bound != null && bound != shape[axis]) {
          throw new InvalidInputException(
              model.name()
                  + ": input '"
                  + input.name()
                  + "' has "
                  + dimension.symbol()
                  + " "
                  + shape[axis]
                  + ", the inputs before it "
                  + bound);
        }
      }
    }
    return symbols;
  }

  /** The session's own tensor for an output, null where its shape is known only after the run. */
  private @Nullable Tensor result(TensorInfo output, Map<String, Long> symbols) {
    long[] shape = new long[output.rank()];
    for (int axis = 0; axis < shape.length; axis++) {
      Dimension dimension = output.dimensions().get(axis);
      Long size =
          dimension.isFixed() ? Long.valueOf(dimension.size()) : symbols.get(dimension.symbol());
      if (size == null) {
        return null;
      }
      shape[axis] = size;
    }
    Tensor previous = results.get(output.name());
    if (previous != null && Arrays.equals(previous.shape(), shape)) {
      return previous;
    }
    Tensor buffer = buffers.get(output.name());
    if (buffer == null || buffer.elements() < Tensor.elements(shape)) {
      buffer = Tensor.allocate(output.type(), Tensor.elements(shape));
      buffers.put(output.name(), buffer);
    }
    if (previous != null) {
      previous.close();
    }
    Tensor current = buffer.first(Tensor.elements(shape)).reshaped(shape);
    results.put(output.name(), current);
    return current;
  }

  private Tensor copyOf(String name, OnnxValue value) {
    if (!(value instanceof OnnxTensor tensor)) {
      throw new InvalidInputException(model.name() + ": output '" + name + "' is not a tensor");
    }
    List<ElementType> types = new ArrayList<>();
    for (TensorInfo output : outputs) {
      if (output.name().equals(name)) {
        types.add(output.type());
      }
    }
    Tensor copy = Tensor.allocate(types.get(0), tensor.getInfo().getShape());
    ByteBuffer source = tensor.getByteBuffer();
    copy.bytes().put(source);
    Tensor previous = results.put(name, copy);
    if (previous != null) {
      previous.close();
    }
    return copy;
  }

  @Override
  public void close() {
    results.values().forEach(Tensor::close);
    buffers.values().forEach(Tensor::close);
    try {
      session.close();
    } catch (OrtException e) {
      throw new RuntimeFailure(model.name() + ": cannot be closed", e);
    }
  }
}
