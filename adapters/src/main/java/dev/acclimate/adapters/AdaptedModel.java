package dev.acclimate.adapters;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.blocks.BatchSessions;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A model rewritten to adapt, and the model that it came from. The rewritten one is a plain ONNX
 * file: its own inputs and outputs unchanged, and for each kind of state an input {@code
 * acclimate/<state>} and an output {@code acclimate/<state>/next} to be fed back with the next
 * batch. Methods that ask for each sample's task have one more input, {@link
 * AdaptiveModel#TASK_INPUT}.
 */
public final class AdaptedModel {
  /** The labelled step's output with its mean loss before the step, {@code [1]}. */
  static final String LOSS = StateTensor.PREFIX + "loss";

  /** The labelled step's output that is 1 where the step was taken, else 0, {@code [1]}. */
  static final String TAKEN = StateTensor.PREFIX + "taken";

  private final OnnxModel source;
  private final OnnxModel model;
  private final StateLayout layout;
  private final List<NormalizationSite> adaptedSites;
  private final @Nullable OnnxModel labelledStep;

  private AdaptedModel(
      OnnxModel source,
      OnnxModel model,
      StateLayout layout,
      List<NormalizationSite> adaptedSites,
      @Nullable OnnxModel labelledStep) {
    this.source = source;
    this.model = model;
    this.layout = layout;
    this.adaptedSites = adaptedSites;
    this.labelledStep = labelledStep;
  }

  /**
   * Rewrites a model.
   *
   * @throws InvalidInputException when the model has no site that the method can adapt, or is
   *     adapted already
   */
  public static AdaptedModel adapt(OnnxModel source, Method method) {
    if (source.metadata(StateLayout.METADATA_KEY).isPresent()) {
      throw new InvalidInputException(
          source.name() + ": is adapted already; adapt the model that it was made from");
    }
    List<NormalizationSite> sites =
        method instanceof Source ? List.of() : NormalizationSites.find(source);
    List<NormalizationSite> adapted = sites.stream().filter(method::adapts).toList();
    if (adapted.isEmpty()) {
      if (method instanceof Source) {
        return new AdaptedModel(
            source, source, StateLayout.of(source, method, adapted), adapted, null);
      }
      throw new InvalidInputException(
          source.name()
              + ": none of its "
              + sites.size()
              + " sites has a spatial axis, without which "
              + method.name()
              + " leaves a site alone; use tbn, alpha-bn, bn-prior, ema or adab2n");
    }
    StateLayout layout = StateLayout.of(source, method, adapted);
    OnnxModel model = rewrite(source, layout, adapted);
    return new AdaptedModel(source, model, layout, adapted, labelledStep(source, layout, adapted));
  }

  /** The model that answers, and learns as it does where that needs no labels. */
  private static OnnxModel rewrite(
      OnnxModel source, StateLayout layout, List<NormalizationSite> sites) {
    if (!(layout.method() instanceof CompanionMethod learning)) {
      return forward(source, layout, sites, Set.of(), Optional.empty()).model();
    }
    return learnsLater(learning)
        ? forward(source, layout, sites, Set.of(), learning.learnt(source, sites).weights()).model()
        : withCompanion(source, layout, learning, sites);
  }

  private static OnnxModel withCompanion(
      OnnxModel source,
      StateLayout layout,
      CompanionMethod learning,
      List<NormalizationSite> sites) {
    Set<String> learnt = Set.copyOf(learning.learntStates(layout, source, sites));
    Optional<PackedParameters> weights = learning.learnt(source, sites).weights();
    Forward forward = forward(source, layout, sites, learnt, weights);
    return CompanionGraph.append(
        source, forward.model(), layout, learning, sites, forward.constants());
  }

  private static boolean learnsLater(CompanionMethod method) {
    return method.companion().lessons().isPresent();
  }

  /** What learns from labels: samples, labels and state in, loss and what is learnt out. */
  private static @Nullable OnnxModel labelledStep(
      OnnxModel source, StateLayout layout, List<NormalizationSite> sites) {
    if (!(layout.method() instanceof CompanionMethod learning) || !learnsLater(learning)) {
      return null;
    }
    Set<String> learnt = Set.copyOf(learning.learntStates(layout, source, sites));
    Set<String> wanted = new HashSet<>(Set.of(LOSS, TAKEN));
    layout.tensors().stream()
        .filter(state -> learnt.contains(state.name()))
        .forEach(state -> wanted.add(state.output()));
    GraphEditor step = new GraphEditor(withCompanion(source, layout, learning, sites));
    step.retainOutputs(wanted);
    return step.build();
  }

  /**
   * A model whose sites adapt.
   *
   * @param constants tensors that gradients do not pass
   */
  private record Forward(OnnxModel model, Set<String> constants) {}

  /**
   * Replaces the sites.
   *
   * @param left names of states whose next values are written later
   * @param weights parameters that are states too, beside the sites' own
   */
  private static Forward forward(
      OnnxModel source,
      StateLayout layout,
      List<NormalizationSite> sites,
      Set<String> left,
      Optional<PackedParameters> weights) {
    GraphEditor editor =
        new GraphEditor(weights.map(packed -> packed.removedFrom(source)).orElse(source));
    Dimension samples = sampleAxis(source, layout.method(), sites);
    if (layout.method().readsTasks()) {
      editor.addInput(AdaptiveModel.TASK_INPUT, ElementType.INT64, List.of(samples));
    }
    OperatorWriter unpack = editor.writer("acclimate/unpack/");
    long[] widths = sites.stream().mapToLong(NormalizationSite::channels).toArray();
    List<List<String>> parts = new ArrayList<>(); // by kind, then by site
    for (StateKind kind : layout.kinds()) {
      StateTensor packed = layout.tensor(kind);
      editor.addInput(packed.input(), ElementType.FP32, packed.sizes());
      parts.add(unpack.split(packed.input(), channelAxis(kind), widths));
    }
    weights.ifPresent(packed -> packed.unpack(unpack));
    editor.prepend(unpack.nodes());
    List<StateTensor> shared = layout.sharedTensors();
    shared.forEach(state -> editor.addInput(state.input(), ElementType.FP32, state.sizes()));

    ModelGraph common = new ModelGraph(samples, shared);
    Concatenations concatenations = Concatenations.in(source, sites);
    List<List<String>> next = new ArrayList<>(); // by kind that the sites change, then by site
    for (int i = 0; i < sites.size(); i++) {
      int index = i;
      List<String> states = parts.stream().map(kind -> kind.get(index)).toList();
      NormalizationSite site = sites.get(i);
      SiteGraph graph = new SiteGraph(editor, site, concatenations.parts(site), common, states);
      layout.method().rewrite(graph);
      graph.finish();
      for (int kind = 0; kind < graph.nextStates().size(); kind++) {
        if (i == 0) {
          next.add(new ArrayList<>());
        }
        next.get(kind).add(graph.nextStates().get(kind));
      }
    }
    pack(editor, layout, common, next, left);
    editor.setMetadata(StateLayout.METADATA_KEY, layout.toJson());
    return new Forward(editor.build(), common.constants());
  }

  /** Outputs for the states after the batch; one that nothing moves stays as it is. */
  private static void pack(
      GraphEditor editor,
      StateLayout layout,
      ModelGraph common,
      List<List<String>> next,
      Set<String> left) {
    OperatorWriter pack = editor.writer("acclimate/pack/");
    for (int i = 0; i < layout.kinds().size(); i++) {
      StateKind kind = layout.kinds().get(i);
      StateTensor packed = layout.tensor(kind);
      if (!left.contains(kind.name())) {
        boolean moves = i < next.size();
        String value = moves ? pack.concat(channelAxis(kind), next.get(i)) : packed.input();
        pack.alias(packed.output(), value);
        editor.addOutput(packed.output(), ElementType.FP32, packed.sizes());
      }
    }
    for (StateTensor state : layout.sharedTensors()) {
      if (!left.contains(state.name())) {
        pack.alias(state.output(), common.state(state.name()));
        editor.addOutput(state.output(), ElementType.FP32, state.sizes());
      }
    }
    common
        .terms()
        .forEach(
            (name, terms) -> {
              pack.emitTo(StateTensor.PREFIX + name, "Sum", terms);
              editor.addOutput(StateTensor.PREFIX + name, ElementType.FP32, 1);
            });
    editor.append(pack.nodes());
  }

  /** The axis of the model's inputs that tasks belong to, or the first site's if none are fed. */
  private static Dimension sampleAxis(
      OnnxModel source, Method method, List<NormalizationSite> sites) {
    return method.readsTasks()
        ? batchInput(source.inputs()).dimensions().get(0)
        : sites.get(0).shape().dimensions().get(0);
  }

  /** The input whose first axis is the batch's. */
  static TensorInfo batchInput(List<TensorInfo> inputs) {
    return inputs.stream()
        .filter(input -> input.rank() > 0)
        .findFirst()
        .orElseThrow(() -> new InvalidInputException("no input has a batch axis: " + inputs));
  }

  private static int channelAxis(StateKind kind) {
    return kind.rows() == 0 ? 0 : 1;
  }

  /** The model as it was. */
  public OnnxModel source() {
    return source;
  }

  /** The rewritten model. */
  public OnnxModel model() {
    return model;
  }

  /** The rewritten model, loaded in the forms that run fastest there. */
  BatchSessions open(SessionSettings settings) {
    Dimension samples = batchInput(source.inputs()).dimensions().get(0);
    // what is not adapted, ONNX Runtime puts in blocks itself
    int size = adaptedSites.isEmpty() ? 0 : settings.batchSize();
    if (layout.method() instanceof CompanionMethod learning
        && size > 0
        && !learnsLater(learning)
        && learning.learnt(source, adaptedSites).weights().isPresent()) {
      // gradients of weights take a form of their own where the batch's size is known
      return BatchSessions.open(
          model,
          () -> adapt(source.withSize(samples, size), learning).model(),
          Dimension.fixed(size),
          settings);
    }
    return BatchSessions.open(model, () -> model, samples, settings.forBatchesOf(size));
  }

  public Method method() {
    return layout.method();
  }

  /** The same model without the companion that learns, empty where there is none. */
  Optional<AdaptedModel> withoutLearning() {
    return layout.method() instanceof CompanionMethod learning
        ? Optional.of(adapt(source, learning.base()))
        : Optional.empty();
  }

  /** The graph that learns from labels, empty where the method does not. */
  Optional<OnnxModel> labelledStep() {
    return Optional.ofNullable(labelledStep);
  }

  /** How labels become steps, empty where the method learns from none. */
  Optional<Lessons> lessons() {
    return layout.method() instanceof CompanionMethod learning
        ? learning.companion().lessons()
        : Optional.empty();
  }

  /** How many classes a model that learns tells apart. */
  int classes() {
    return layout.method() instanceof CompanionMethod learning
        ? Logits.of(source, learning.companion().output()).classes()
        : 0;
  }

  /** Number of sites whose normalization was replaced. */
  public int adaptedSites() {
    return adaptedSites.size();
  }

  /** Those sites, in graph order. */
  List<NormalizationSite> sites() {
    return adaptedSites;
  }

  StateLayout layout() {
    return layout;
  }

  /**
   * The state before the first batch.
   *
   * @param seed for starts that are random
   * @param calibration for starts at source samples' statistics, else null
   * @throws InvalidInputException when the method needs a calibration and this is none or another
   *     model's
   */
  public AdaptationState initialState(long seed, @Nullable Calibration calibration) {
    Method method = layout.method();
    if (method.needsCalibration()) {
      if (calibration == null) {
        throw new InvalidInputException(
            method.canonical()
                + " needs source samples' statistics: make them with 'acclimate calibrate "
                + source.name()
                + ".onnx --data SPEC --components "
                + method.calibrationComponents()
                + " --out FILE' and pass --calibration FILE");
      }
      calibration.check(source, method.calibrationComponents());
    }
    AdaptationState state = AdaptationState.allocate(layout);
    layout.shared().forEach(shared -> state.tensor(shared.name()).set(shared.start()));
    SplittableRandom random = new SplittableRandom(seed);
    int width = layout.totalChannels();
    int offset = 0;
    for (NormalizationSite site : adaptedSites) {
      if (layout.kinds().isEmpty()) {
        break;
      }
      SiteComponents components =
          method.needsCalibration() && calibration != null ? calibration.site(site) : null;
      float[][] values = method.initialState(site, random, components);
      for (int i = 0; i < values.length; i++) {
        StateKind kind = layout.kinds().get(i);
        FloatBuffer floats = state.tensor(kind.name()).floats();
        for (int row = 0; row < Math.max(kind.rows(), 1); row++) {
          floats.put(row * width + offset, values[i], row * site.channels(), site.channels());
        }
      }
      offset += site.channels();
    }
    return state;
  }
}
