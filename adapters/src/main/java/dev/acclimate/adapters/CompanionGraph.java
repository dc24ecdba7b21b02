package dev.acclimate.adapters;

import static dev.acclimate.adapters.LearntParameters.BETA;
import static dev.acclimate.adapters.LearntParameters.GAMMA;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Backpropagation;
import dev.acclimate.models.gradients.Backpropagation.Normalization;
import dev.acclimate.models.gradients.Optimizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The part of an adapted model that learns: loss, backward pass and the optimizer's steps, behind
 * the nodes that answer. The answers are those from before the first step; each further step runs
 * forward and backward again from the parameters that the last one left, with the statistics'
 * states as they were before the batch.
 *
 * <p>Where steps are made from labels, these are one more input, and the last step's loss and
 * whether it was taken are further outputs.
 *
 * <p>A step is taken only where loss, gradients and step are finite and the step is no longer than
 * {@link Companion#maxStep} allows; else everything learnt stays as it was, and statistics adapt
 * alone.
 */
final class CompanionGraph {
  /** About the largest float32: what is not below it is infinite or not a number. */
  private static final float FINITE = 3e38f;

  private static final float LEAST_NORM = 1e-12f;

  private final Companion companion;
  private final @Nullable SiteProjection projection;
  private final boolean countsSteps;
  private final StateLayout layout;
  private final List<NormalizationSite> sites;
  private final OnnxModel source;
  private final LearntParameters learnt;
  private final List<String> states;
  private final OnnxModel differentiated;
  private final GraphEditor editor;
  private final Pass firstPass;
  private String lastLoss = "";
  private String lastTaken = "";

  /**
   * A loss with its gradients, names of tensors.
   *
   * @param loss as the objective wrote it
   * @param gradients of what is learnt, packed like that
   */
  private record Pass(Objective.Loss loss, Map<String, String> gradients) {}

  private CompanionGraph(
      OnnxModel source,
      OnnxModel forward,
      StateLayout layout,
      CompanionMethod method,
      List<NormalizationSite> sites,
      Set<String> constants) {
    this.companion = method.companion();
    this.layout = layout;
    this.sites = sites;
    this.projection =
        method.nap() == null ? null : new SiteProjection(method.nap(), forward, sites);
    this.countsSteps = method.countsSteps();
    Logits logits = Logits.of(forward, companion.output());
    this.source = source;
    this.learnt = method.learnt(source, sites);
    this.states = method.learntStates(layout, source, sites);
    GraphEditor withLoss = new GraphEditor(forward);
    if (companion.lessons().isPresent()) {
      Dimension samples = AdaptedModel.batchInput(forward.inputs()).dimensions().get(0);
      withLoss.addInput(AdaptiveModel.LABELS_INPUT, ElementType.INT64, List.of(samples));
    }
    OperatorWriter ops = withLoss.writer("acclimate/loss/");
    Objective.Loss loss = companion.objective().write(ops, logits, before());
    withLoss.append(ops.nodes());
    GraphEditor backward = new GraphEditor(withLoss.build());
    Set<String> held = new HashSet<>(constants);
    held.addAll(loss.constants());
    Map<String, String> gradients =
        Backpropagation.append(
                backward,
                loss.value(),
                learnt.names().stream().map(CompanionGraph::input).toList(),
                Normalization.FROZEN,
                held)
            .gradients();
    OperatorWriter masks = backward.writer("acclimate/mask/");
    Map<String, String> wanted = new LinkedHashMap<>();
    for (String name : learnt.names()) {
      wanted.put(name, learnt.masked(masks, name, get(gradients, input(name))));
    }
    backward.append(masks.nodes());
    this.firstPass = new Pass(loss, wanted);
    this.differentiated = backward.build();
    this.editor = new GraphEditor(differentiated);
  }

  /**
   * Appends learning to an adapted model whose learnt states are inputs already.
   *
   * @param source the model that was adapted
   * @param sites those that are adapted
   * @param constants tensors that gradients do not pass
   */
  static OnnxModel append(
      OnnxModel source,
      OnnxModel forward,
      StateLayout layout,
      CompanionMethod method,
      List<NormalizationSite> sites,
      Set<String> constants) {
    return new CompanionGraph(source, forward, layout, method, sites, constants).write();
  }

  private static String input(String state) {
    return StateTensor.PREFIX + state;
  }

  private Map<String, String> before() {
    Map<String, String> before = new HashMap<>();
    states.forEach(state -> before.put(state, input(state)));
    return before;
  }

  private static String get(Map<String, String> names, String key) {
    return Objects.requireNonNull(names.get(key), key);
  }

  private OnnxModel write() {
    Map<String, String> now = before();
    for (int step = 0; step < companion.steps(); step++) {
      Pass pass = step == 0 ? firstPass : again(now, Map.of());
      if (companion.objective() instanceof SharpnessAwareEntropy sharpness) {
        pass = uphill(now, pass, sharpness.rho());
      }
      now = step(now, pass);
    }
    OperatorWriter pack = editor.writer("acclimate/pack/");
    for (StateTensor tensor : layout.tensors()) {
      if (states.contains(tensor.name())) {
        pack.alias(tensor.output(), get(now, tensor.name()));
        editor.addOutput(tensor.output(), ElementType.FP32, tensor.sizes());
      }
    }
    if (companion.lessons().isPresent()) {
      pack.alias(AdaptedModel.LOSS, pack.reshape(lastLoss, 1));
      pack.alias(AdaptedModel.TAKEN, pack.reshape(pack.castToFloat(lastTaken), 1));
      editor.addOutput(AdaptedModel.LOSS, ElementType.FP32, 1);
      editor.addOutput(AdaptedModel.TAKEN, ElementType.FP32, 1);
    }
    editor.append(pack.nodes());
    return editor.build();
  }

  /** Forward and backward once more with other values of what is learnt. */
  private Pass again(Map<String, String> now, Map<String, String> more) {
    Map<String, String> substitutes = new HashMap<>(more);
    now.forEach(
        (state, tensor) -> {
          if (!tensor.equals(input(state))) {
            substitutes.put(input(state), tensor);
          }
        });
    Objective.Loss loss = firstPass.loss();
    Set<String> wanted = new HashSet<>(firstPass.gradients().values());
    wanted.addAll(loss.next().values());
    for (String tensor : new String[] {loss.value(), loss.applies(), loss.chosen()}) {
      if (tensor != null) {
        wanted.add(tensor);
      }
    }
    RepeatedPass pass = new RepeatedPass(differentiated, substitutes, wanted, editor);
    editor.append(pass.nodes());
    return new Pass(
        new Objective.Loss(
            pass.name(loss.value()),
            renamed(pass, loss.applies()),
            renamed(pass, loss.chosen()),
            Set.of(),
            renamed(pass, loss.next())),
        renamed(pass, firstPass.gradients()));
  }

  private static @Nullable String renamed(RepeatedPass pass, @Nullable String tensor) {
    return tensor == null ? null : pass.name(tensor);
  }

  private static Map<String, String> renamed(RepeatedPass pass, Map<String, String> tensors) {
    Map<String, String> renamed = new HashMap<>();
    tensors.forEach((key, tensor) -> renamed.put(key, pass.name(tensor)));
    return renamed;
  }

  /** The pass at the parameters that lie {@code rho} up the gradient, over the same samples. */
  private Pass uphill(Map<String, String> now, Pass pass, double rho) {
    OperatorWriter ops = editor.writer("acclimate/uphill/");
    String norm = ops.sqrt(squares(ops, pass.gradients()));
    String factor = ops.div(ops.constant((float) rho), ops.add(norm, ops.constant(LEAST_NORM)));
    Map<String, String> above = new HashMap<>(now);
    pass.gradients()
        .forEach(
            (parameter, gradient) ->
                above.put(parameter, ops.add(get(now, parameter), ops.mul(gradient, factor))));
    editor.append(ops.nodes());
    String chosen = Objects.requireNonNull(pass.loss().chosen());
    return again(above, Map.of(SharpnessAwareEntropy.CANDIDATES, chosen));
  }

  private Map<String, String> step(Map<String, String> now, Pass pass) {
    OperatorWriter ops = editor.writer("acclimate/step/");
    String squares = squares(ops, pass.gradients());
    Map<String, String> gradients = clipped(ops, pass.gradients(), squares);
    Map<String, String> moved = new HashMap<>();
    Optimizer optimizer = companion.optimizer();
    String rate = ops.constant((float) companion.learningRate());
    if (projection != null) {
      gradients = pulled(ops, projection, now, gradients);
    }
    for (String parameter : learnt.names()) {
      List<String> names = new ArrayList<>();
      optimizer.slots().forEach(slot -> names.add(CompanionMethod.slotName(parameter, slot)));
      Optimizer.Step step =
          optimizer.write(
              ops,
              get(now, parameter),
              get(gradients, parameter),
              names.stream().map(name -> get(now, name)).toList(),
              rate);
      moved.put(parameter, step.parameter());
      for (int i = 0; i < names.size(); i++) {
        moved.put(names.get(i), step.slots().get(i));
      }
    }
    if (projection != null) {
      project(ops, projection, now, moved);
    }
    String sound = sound(ops, now, moved, pass.loss().value(), squares);
    String applies = pass.loss().applies();
    String taken = applies == null ? sound : ops.node("And", sound, applies);
    lastLoss = pass.loss().value();
    lastTaken = taken;
    Map<String, String> next = new HashMap<>();
    moved.forEach((state, value) -> next.put(state, choose(ops, taken, value, get(now, state))));
    pass.loss()
        .next()
        .forEach((state, value) -> next.put(state, choose(ops, sound, value, get(now, state))));
    Map<String, String> result =
        companion.objective() instanceof SharpnessAwareEntropy sharpness
            ? recovered(ops, next, sharpness.resetBelow())
            : next;
    editor.append(ops.nodes());
    return result;
  }

  private Map<String, String> pulled(
      OperatorWriter ops,
      SiteProjection pulling,
      Map<String, String> now,
      Map<String, String> gradients) {
    Map<String, String> pulled = new HashMap<>();
    gradients.forEach(
        (parameter, gradient) ->
            pulled.put(
                parameter,
                pulling.pulled(ops, gradient, get(now, parameter), start(ops, parameter))));
    return pulled;
  }

  private void project(
      OperatorWriter ops,
      SiteProjection projecting,
      Map<String, String> now,
      Map<String, String> moved) {
    String steps = "";
    if (countsSteps) {
      steps = ops.add(get(now, CompanionMethod.STEPS), ops.constant(new float[] {1}, 1));
      moved.put(CompanionMethod.STEPS, steps);
    }
    SiteProjection.Affine projected =
        projecting.projected(
            ops, new SiteProjection.Affine(get(moved, GAMMA), get(moved, BETA)), steps);
    moved.put(GAMMA, projected.gamma());
    moved.put(BETA, projected.beta());
  }

  private static String choose(OperatorWriter ops, String condition, String yes, String no) {
    return ops.node("Where", condition, yes, no);
  }

  private String squares(OperatorWriter ops, Map<String, String> vectors) {
    String sum = "";
    for (String name : learnt.names()) {
      String square = square(ops, get(vectors, name));
      sum = sum.isEmpty() ? square : ops.add(sum, square);
    }
    return sum;
  }

  private static String square(OperatorWriter ops, String vector) {
    return ops.reduceSum(ops.mul(vector, vector), false, 0);
  }

  private Map<String, String> clipped(
      OperatorWriter ops, Map<String, String> gradients, String squares) {
    if (companion.maxGradientNorm() == 0) {
      return gradients;
    }
    String most = ops.constant((float) companion.maxGradientNorm());
    String factor = ops.div(most, ops.max(ops.sqrt(squares), most));
    Map<String, String> clipped = new HashMap<>();
    gradients.forEach((parameter, gradient) -> clipped.put(parameter, ops.mul(gradient, factor)));
    return clipped;
  }

  /** Whether the step may be taken; comparisons with what is not a number are false. */
  private String sound(
      OperatorWriter ops,
      Map<String, String> now,
      Map<String, String> moved,
      String loss,
      String squares) {
    String finite = ops.constant(FINITE);
    String sound =
        ops.node("And", below(ops, ops.node("Abs", loss), finite), below(ops, squares, finite));
    Map<String, String> steps = new HashMap<>();
    for (String parameter : learnt.names()) {
      steps.put(parameter, ops.sub(get(moved, parameter), get(now, parameter)));
    }
    float part = (float) (companion.maxStep() * companion.maxStep());
    String most = ops.mul(squares(ops, now), ops.constant(part));
    return ops.node("And", sound, below(ops, squares(ops, steps), most));
  }

  private static String below(OperatorWriter ops, String a, String b) {
    return ops.node("Less", a, b);
  }

  /** Back to the start where the moving average of the loss has fallen below the bound. */
  private Map<String, String> recovered(
      OperatorWriter ops, Map<String, String> next, double resetBelow) {
    String average = get(next, SharpnessAwareEntropy.AVERAGE);
    String collapsed =
        ops.node(
            "And",
            ops.node("Greater", average, ops.constant(0f)),
            below(ops, average, ops.constant((float) resetBelow)));
    Map<String, String> start = new HashMap<>();
    learnt.names().forEach(name -> start.put(name, start(ops, name)));
    start.put(CompanionMethod.STEPS, ops.constant(0f));
    start.put(SharpnessAwareEntropy.AVERAGE, ops.constant(0f));
    for (Optimizer.Slot slot : companion.optimizer().slots()) {
      for (String parameter : learnt.names()) {
        start.put(CompanionMethod.slotName(parameter, slot), ops.constant(slot.start()));
      }
    }
    Map<String, String> recovered = new HashMap<>();
    next.forEach(
        (state, value) -> recovered.put(state, choose(ops, collapsed, get(start, state), value)));
    return recovered;
  }

  /** A parameter's packed value in the source. */
  private String start(OperatorWriter ops, String parameter) {
    Optional<PackedParameters> weights = learnt.weights();
    if (weights.isPresent() && weights.get().state().name().equals(parameter)) {
      try (Tensor start = weights.get().start(source)) {
        return ops.constant(start.toFloatArray(), start.shape());
      }
    }
    Function<NormalizationSite, float[]> vector =
        parameter.equals(GAMMA) ? NormalizationSite::gamma : NormalizationSite::beta;
    float[] values = new float[layout.totalChannels()];
    int offset = 0;
    for (NormalizationSite site : sites) {
      System.arraycopy(vector.apply(site), 0, values, offset, site.channels());
      offset += site.channels();
    }
    return ops.constant(values, values.length);
  }
}
