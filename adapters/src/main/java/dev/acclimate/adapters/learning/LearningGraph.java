package dev.acclimate.adapters.learning;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.adapters.PackedParameters;
import dev.acclimate.adapters.StateTensor;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.gradients.Backpropagation;
import dev.acclimate.models.gradients.BatchStatistics;
import dev.acclimate.models.gradients.CrossEntropy;
import dev.acclimate.models.gradients.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A classifier that learns from labels, as two plain ONNX graphs over one state. A <b>step</b>
 * takes samples, labels, tasks and the state, and gives the loss and the next state: forward pass,
 * loss, backward pass, optimizer, projection and running statistics in one run. <b>Serving</b>
 * takes samples and the state and gives what the model gives, normalizing with the running
 * statistics.
 *
 * <p>The state, inputs {@code acclimate/<name>} and outputs {@code acclimate/<name>/next}: {@code
 * weights} and {@code affine}, the parameters of more than one axis and the vectors beside them,
 * each packed into one vector; {@code running_mean} and {@code running_var} of all normalization
 * sites side by side; {@code learning_step}; with AdaB2N {@code eta}, {@code task_weight} {@code
 * [sites, slots]} and {@code task_seen}; and the optimizer's slots, such as {@code
 * weights_momentum}.
 */
public final class LearningGraph {
  /** The step's output with the mean loss, {@code [1]} or a scalar. */
  public static final String LOSS = StateTensor.PREFIX + "loss";

  /** The step's output with AdaB2N's regularizer before its weight, {@code [1]}. */
  public static final String NORM_LOSS = StateTensor.PREFIX + "norm_loss";

  /** The step's input with class indices, int64 {@code [B]}. */
  public static final String LABELS = StateTensor.PREFIX + "labels";

  /** The step's input with task ids, int64 {@code [B]}; AdaB2N's alone. */
  public static final String TASKS = StateTensor.PREFIX + "task";

  private static final String RUNNING_MEAN = "running_mean";
  private static final String RUNNING_VARIANCE = "running_var";
  private static final String STEP = "learning_step";
  private static final String ETA = "eta";
  private static final String TASK_WEIGHT = "task_weight";
  private static final String TASK_SEEN = "task_seen";

  /** PyTorch's, of plain BatchNormalization. */
  private static final float STATISTICS_MOMENTUM = 0.1f;

  private final OnnxModel source;
  private final LearningSettings settings;
  private final List<NormalizationSite> sites;
  private final PackedParameters weights;
  private final PackedParameters affine;
  private final Map<StateTensor, Tensor> starts = new LinkedHashMap<>();
  private final OnnxModel step;
  private final OnnxModel serving;

  private LearningGraph(OnnxModel source, LearningSettings settings) {
    this.source = source;
    this.settings = settings;
    this.sites = hasBatchNormalization(source) ? NormalizationSites.find(source) : List.of();
    String logits = source.outputs().get(0).name();
    Set<String> trained = settings.parameters().select(source, logits);
    this.weights = packed("weights", trained, rank -> rank > 1);
    this.affine = packed("affine", trained, rank -> rank <= 1);
    declareStates();
    this.step = writeStep(logits, trained);
    this.serving = writeServing();
  }

  /**
   * Builds both graphs.
   *
   * @throws InvalidInputException when the model is no classifier of one float32 input, has nothing
   *     to learn, has no normalization where the method needs one, or holds an operator that cannot
   *     be differentiated
   */
  public static LearningGraph of(OnnxModel source, LearningSettings settings) {
    List<TensorInfo> inputs = source.inputs();
    if (inputs.size() != 1 || inputs.get(0).type() != ElementType.FP32) {
      throw new InvalidInputException(
          source.name() + ": learning needs a model of one float32 input, found " + inputs);
    }
    if (settings.method().balanced().isPresent() && !hasBatchNormalization(source)) {
      throw new InvalidInputException(
          source.name()
              + ": learning method '"
              + settings.method()
              + "' needs BatchNormalization, and there is none; use bn");
    }
    return new LearningGraph(source, settings);
  }

  private static boolean hasBatchNormalization(OnnxModel model) {
    return model.graph().getNodeList().stream()
        .anyMatch(node -> node.getOpType().equals("BatchNormalization"));
  }

  private PackedParameters packed(String name, Set<String> trained, Predicate<Integer> rank) {
    Constants constants = new Constants(source.graph());
    return PackedParameters.of(
        name,
        source,
        trained.stream()
            .filter(parameter -> rank.test(constants.real(parameter).orElseThrow().rank()))
            .toList());
  }

  private void declareStates() {
    for (PackedParameters group : groups()) {
      starts.put(group.state(), group.start(source));
      declareSlots(group.state(), optimizer(group));
    }
    declare(STEP, new float[1], 1);
    if (!sites.isEmpty()) {
      declare(RUNNING_MEAN, joined(true), channels());
      declare(RUNNING_VARIANCE, joined(false), channels());
    }
    settings
        .method()
        .balanced()
        .ifPresent(
            balanced -> {
              int slots = balanced.slots();
              declare(ETA, new float[1], 1);
              declare(TASK_SEEN, new float[slots], slots);
              float[] psi = new float[sites.size() * slots];
              StateTensor weight = declare(TASK_WEIGHT, psi, sites.size(), slots);
              declareSlots(weight, settings.withoutDecay());
            });
  }

  private List<PackedParameters> groups() {
    return List.of(weights, affine).stream().filter(group -> !group.isEmpty()).toList();
  }

  private Optimizer optimizer(PackedParameters group) {
    return group.equals(weights) ? settings.optimizer() : settings.withoutDecay();
  }

  private StateTensor declare(String name, float[] start, long... shape) {
    List<Long> sizes = new ArrayList<>();
    for (long size : shape) {
      sizes.add(size);
    }
    StateTensor state = new StateTensor(name, sizes);
    starts.put(state, Tensor.of(start, shape));
    return state;
  }

  private void declareSlots(StateTensor parameter, Optimizer optimizer) {
    for (Optimizer.Slot slot : optimizer.slots()) {
      long[] shape = slot.perElement() ? parameter.sizes() : new long[] {1};
      float[] start = new float[Math.toIntExact(Tensor.elements(shape))];
      Arrays.fill(start, slot.start());
      declare(slotName(parameter, slot), start, shape);
    }
  }

  private static String slotName(StateTensor parameter, Optimizer.Slot slot) {
    return parameter.name() + "_" + slot.name();
  }

  private int channels() {
    return sites.stream().mapToInt(NormalizationSite::channels).sum();
  }

  private float[] joined(boolean means) {
    float[] all = new float[channels()];
    int offset = 0;
    for (NormalizationSite site : sites) {
      float[] one = means ? site.mean() : site.variance();
      System.arraycopy(one, 0, all, offset, one.length);
      offset += one.length;
    }
    return all;
  }

  /** The source with its parameters as state instead of initializers. */
  private GraphEditor opened(Set<String> statesToFeed) {
    OnnxModel open = source;
    for (PackedParameters group : groups()) {
      open = group.removedFrom(open);
    }
    GraphEditor editor = new GraphEditor(open);
    OperatorWriter unpack = editor.writer("acclimate/unpack/");
    for (StateTensor state : starts.keySet()) {
      if (statesToFeed.contains(state.name())) {
        editor.addInput(state.input(), ElementType.FP32, state.sizes());
      }
    }
    groups().forEach(group -> group.unpack(unpack));
    editor.prepend(unpack.nodes());
    return editor;
  }

  private Set<String> stateNames() {
    Set<String> names = new LinkedHashSet<>();
    starts.keySet().forEach(state -> names.add(state.name()));
    return names;
  }

  private OnnxModel writeServing() {
    Set<String> needed = new LinkedHashSet<>();
    servingStates().forEach(state -> needed.add(state.name()));
    GraphEditor editor = opened(needed);
    if (!sites.isEmpty()) {
      OperatorWriter unpack = editor.writer("acclimate/statistics/");
      List<String> means = perSite(unpack, RUNNING_MEAN);
      List<String> variances = perSite(unpack, RUNNING_VARIANCE);
      editor.prepend(unpack.nodes());
      for (int i = 0; i < sites.size(); i++) {
        int index = sites.get(i).nodeIndex();
        NodeProto.Builder node = source.graph().getNode(index).toBuilder();
        node.setInput(3, means.get(i)).setInput(4, variances.get(i));
        editor.replace(index, List.of(node.build()));
      }
    }
    return editor.build();
  }

  private List<String> perSite(OperatorWriter ops, String state) {
    long[] widths = sites.stream().mapToLong(NormalizationSite::channels).toArray();
    return ops.split(StateTensor.PREFIX + state, 0, widths);
  }

  private OnnxModel writeStep(String logits, Set<String> trained) {
    GraphEditor forward = opened(stateNames());
    Dimension samples = source.inputs().get(0).dimensions().get(0);
    forward.addInput(LABELS, ElementType.INT64, List.of(samples));
    BalancedSites balanced = null;
    if (settings.method().balanced().isPresent()) {
      forward.addInput(TASKS, ElementType.INT64, List.of(samples));
      OperatorWriter unpack = forward.writer("acclimate/statistics/");
      List<String> means = perSite(unpack, RUNNING_MEAN);
      List<String> variances = perSite(unpack, RUNNING_VARIANCE);
      forward.prepend(unpack.nodes());
      balanced =
          new BalancedSites(
              forward,
              settings.method().balanced().get(),
              TASKS,
              StateTensor.PREFIX + TASK_WEIGHT,
              StateTensor.PREFIX + TASK_SEEN,
              StateTensor.PREFIX + ETA);
      balanced.replace(sites, means, variances);
    }
    GraphEditor objective = new GraphEditor(forward.build());
    String loss = CrossEntropy.append(objective, logits, LABELS, settings.labelSmoothing());
    OperatorWriter terms = objective.writer("acclimate/objective/");
    terms.alias(LOSS, terms.reshape(loss, 1));
    objective.addOutput(LOSS, ElementType.FP32, 1);
    String objectiveValue = LOSS;
    if (balanced != null) {
      objectiveValue = balanced.regularized(terms, LOSS);
      terms.alias(NORM_LOSS, balanced.normLoss(terms));
      objective.addOutput(NORM_LOSS, ElementType.FP32, 1);
    }
    objective.append(terms.nodes());

    List<String> learnt = new ArrayList<>();
    groups().forEach(group -> learnt.add(group.state().input()));
    if (balanced != null) {
      learnt.add(StateTensor.PREFIX + TASK_WEIGHT);
    }
    GraphEditor backward = new GraphEditor(objective.build());
    Backpropagation pass =
        Backpropagation.append(
            backward,
            objectiveValue,
            learnt,
            balanced == null
                ? Backpropagation.Normalization.BATCH
                : Backpropagation.Normalization.FROZEN);
    OperatorWriter update = backward.writer("acclimate/update/");
    writeUpdate(update, pass, trained);
    if (balanced != null) {
      next(update, RUNNING_MEAN, update.concat(0, balanced.nextMeans()));
      next(update, RUNNING_VARIANCE, update.concat(0, balanced.nextVariances()));
      next(update, ETA, balanced.nextEta());
      next(update, TASK_SEEN, balanced.nextSeen());
    } else if (!sites.isEmpty()) {
      writeRunningStatistics(update, pass.statistics());
    }
    backward.append(update.nodes());
    starts
        .keySet()
        .forEach(state -> backward.addOutput(state.output(), ElementType.FP32, state.sizes()));
    return backward.build();
  }

  private void writeUpdate(OperatorWriter ops, Backpropagation pass, Set<String> trained) {
    String before = StateTensor.PREFIX + STEP;
    String rate = settings.rate().write(ops, before);
    String steps = ops.add(before, ops.constant(new float[] {1}, 1));
    next(ops, STEP, steps);
    Projection projection =
        settings
            .method()
            .nap()
            .map(nap -> new Projection(nap, source, trained, sites))
            .orElse(null);
    for (PackedParameters group : groups()) {
      StateTensor state = group.state();
      Tensor start = Objects.requireNonNull(starts.get(state));
      String gradient = Objects.requireNonNull(pass.gradients().get(state.input()));
      if (projection != null && group.equals(affine)) {
        gradient = projection.pulled(ops, group, state.input(), gradient, start);
      }
      String moved = moved(ops, state, gradient, optimizer(group), rate);
      if (projection != null) {
        String projected =
            group.equals(affine)
                ? projection.affine(ops, group, moved, start)
                : projection.weights(ops, group, moved, start);
        moved = projection.inTurn(ops, steps, projected, moved);
      }
      next(ops, state.name(), moved);
    }
    String psi = pass.gradients().get(StateTensor.PREFIX + TASK_WEIGHT);
    if (psi != null) {
      StateTensor state = state(TASK_WEIGHT);
      next(ops, TASK_WEIGHT, moved(ops, state, psi, settings.withoutDecay(), rate));
    }
  }

  private String moved(
      OperatorWriter ops, StateTensor state, String gradient, Optimizer optimizer, String rate) {
    List<String> slots = optimizer.slots().stream().map(slot -> slotName(state, slot)).toList();
    Optimizer.Step result =
        optimizer.write(
            ops,
            state.input(),
            gradient,
            slots.stream().map(slot -> StateTensor.PREFIX + slot).toList(),
            rate);
    for (int i = 0; i < slots.size(); i++) {
      next(ops, slots.get(i), result.slots().get(i));
    }
    return result.parameter();
  }

  private void writeRunningStatistics(OperatorWriter ops, List<BatchStatistics> measured) {
    List<String> means = new ArrayList<>();
    List<String> variances = new ArrayList<>();
    for (NormalizationSite site : sites) {
      String mean = source.graph().getNode(site.nodeIndex()).getInput(3);
      BatchStatistics one =
          measured.stream().filter(m -> m.runningMean().equals(mean)).findFirst().orElseThrow();
      means.add(one.mean());
      variances.add(one.unbiasedVariance());
    }
    mix(ops, RUNNING_MEAN, ops.concat(0, means));
    mix(ops, RUNNING_VARIANCE, ops.concat(0, variances));
  }

  private void mix(OperatorWriter ops, String state, String measured) {
    String running = StateTensor.PREFIX + state;
    String away = ops.sub(measured, running);
    next(ops, state, ops.add(running, ops.mul(away, ops.constant(STATISTICS_MOMENTUM))));
  }

  private static void next(OperatorWriter ops, String state, String value) {
    ops.alias(StateTensor.PREFIX + state + "/next", value);
  }

  private StateTensor state(String name) {
    return starts.keySet().stream()
        .filter(state -> state.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** The model that learns, as it was. */
  public OnnxModel source() {
    return source;
  }

  /** What it learns with. */
  public LearningSettings settings() {
    return settings;
  }

  /** One step. */
  public OnnxModel step() {
    return step;
  }

  /** The model as it stands after the steps that the state has behind it. */
  public OnnxModel serving() {
    return serving;
  }

  /** The state's tensors. */
  List<StateTensor> states() {
    return List.copyOf(starts.keySet());
  }

  /** The part of the state that answers depend on. */
  List<StateTensor> servingStates() {
    Set<String> names =
        Set.of(weights.state().name(), affine.state().name(), RUNNING_MEAN, RUNNING_VARIANCE);
    return starts.keySet().stream().filter(state -> names.contains(state.name())).toList();
  }

  /** The same, for batches of one size. */
  LearningGraph forBatchesOf(int samples) {
    Dimension axis = source.inputs().get(0).dimensions().get(0);
    return new LearningGraph(source.withSize(axis, samples), settings);
  }

  /** The state before the first step: the source's own parameters and statistics. */
  public LearningState start() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    starts.forEach((state, tensor) -> tensors.put(state.name(), tensor.copy()));
    return new LearningState(source.digest(), settings.method().text(), tensors);
  }

  /** The hidden and output layers' weights, in graph order. */
  public List<LayerNorm> weightNorms(LearningState state) {
    Set<String> names = new LinkedHashSet<>();
    weights.parts().forEach(part -> names.add(part.name()));
    Set<String> last = Projection.outputLayers(source.graph(), names);
    double rate = settings.rate().at(state.step());
    return weights.parts().stream()
        .map(
            part -> {
              double norm = PackedParameters.norm(part, state.tensor(weights.state().name()));
              boolean output = last.contains(part.name());
              return new LayerNorm(part.name(), output, norm, rate / (norm * norm));
            })
        .toList();
  }

  /**
   * How large a layer's weights have grown.
   *
   * @param name of the weights
   * @param output whether no other weights lie between it and the logits
   * @param norm Frobenius
   * @param effectiveRate learning rate divided by the squared norm: how far a step turns weights
   *     whose size does not matter
   */
  public record LayerNorm(String name, boolean output, double norm, double effectiveRate) {}

  /** The source with what was learnt in the place of its initializers: a plain model. */
  public OnnxModel baked(LearningState state) {
    state.require(this);
    GraphEditor editor = new GraphEditor(source);
    for (PackedParameters group : groups()) {
      Tensor packed = state.tensor(group.state().name());
      for (PackedParameters.Part part : group.parts()) {
        float[] values = PackedParameters.values(part, packed);
        editor.setInitializer(
            Constants.tensor(values, part.sizes()).toBuilder().setName(part.name()).build());
      }
    }
    int offset = 0;
    for (NormalizationSite site : sites) {
      NodeProto.Builder node = source.graph().getNode(site.nodeIndex()).toBuilder();
      for (int input = 3; input < 5; input++) {
        float[] values = new float[site.channels()];
        String name = input == 3 ? RUNNING_MEAN : RUNNING_VARIANCE;
        state.tensor(name).floats().get(offset, values);
        node.setInput(
            input,
            editor.constant(
                node.getInput(input) + "/learnt", Constants.tensor(values, values.length)));
      }
      editor.replace(site.nodeIndex(), List.of(node.build()));
      offset += site.channels();
    }
    return editor.build();
  }
}
