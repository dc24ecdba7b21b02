package dev.acclimate.adapters;

import dev.acclimate.models.ChannelsLast;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A model rewritten to adapt, and the model that it came from. The rewritten one is a plain ONNX
 * file: its own inputs and outputs unchanged, and for each kind of state an input {@code
 * acclimate/<state>} and an output {@code acclimate/<state>/next} to be fed back with the next
 * batch.
 */
public final class AdaptedModel {
  private final OnnxModel source;
  private final OnnxModel model;
  private final StateLayout layout;
  private final List<NormalizationSite> adaptedSites;

  private AdaptedModel(
      OnnxModel source, OnnxModel model, StateLayout layout, List<NormalizationSite> adaptedSites) {
    this.source = source;
    this.model = model;
    this.layout = layout;
    this.adaptedSites = adaptedSites;
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
        return new AdaptedModel(source, source, StateLayout.of(source, method, adapted), adapted);
      }
      throw new InvalidInputException(
          source.name()
              + ": none of its "
              + sites.size()
              + " sites has a spatial axis, without which "
              + method.name()
              + " leaves a site alone; use tbn, alpha-bn, bn-prior or ema");
    }
    StateLayout layout = StateLayout.of(source, method, adapted);
    OnnxModel model = rewrite(source, layout, adapted, Arrangement.CHANNELS_FIRST);
    return new AdaptedModel(source, model, layout, adapted);
  }

  private static OnnxModel rewrite(
      OnnxModel source,
      StateLayout layout,
      List<NormalizationSite> sites,
      Arrangement arrangement) {
    GraphEditor editor = new GraphEditor(source);
    OperatorWriter unpack = editor.writer("acclimate/unpack/");
    long[] widths = sites.stream().mapToLong(NormalizationSite::channels).toArray();
    List<List<String>> parts = new ArrayList<>(); // by kind, then by site
    for (StateKind kind : layout.kinds()) {
      editor.addInput(StateLayout.inputName(kind), ElementType.FP32, layout.shape(kind));
      parts.add(unpack.split(StateLayout.inputName(kind), channelAxis(kind), widths));
    }
    editor.prepend(unpack.nodes());

    Map<String, String> shared = SiteGraph.sharedResults();
    List<List<String>> next = new ArrayList<>();
    layout.kinds().forEach(kind -> next.add(new ArrayList<>()));
    for (int i = 0; i < sites.size(); i++) {
      int index = i;
      List<String> states = parts.stream().map(kind -> kind.get(index)).toList();
      SiteGraph graph = new SiteGraph(editor, sites.get(i), shared, states, arrangement);
      layout.method().rewrite(graph);
      graph.finish();
      for (int kind = 0; kind < next.size(); kind++) {
        next.get(kind).add(graph.nextStates().get(kind));
      }
    }

    OperatorWriter pack = editor.writer("acclimate/pack/");
    for (int i = 0; i < next.size(); i++) {
      StateKind kind = layout.kinds().get(i);
      String output = StateLayout.outputName(kind);
      pack.alias(output, pack.concat(channelAxis(kind), next.get(i)));
      editor.addOutput(output, ElementType.FP32, layout.shape(kind));
    }
    editor.append(pack.nodes());
    editor.setMetadata(StateLayout.METADATA_KEY, layout.toJson());
    return editor.build();
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

  /** The rewritten model in the form that runs fastest there; it computes the same. */
  OnnxModel modelFor(ExecutionProvider provider) {
    if (provider.kind() != ExecutionProvider.Kind.CPU || adaptedSites.isEmpty()) {
      return model;
    }
    return ChannelsLast.sinkTranspositions(
        rewrite(source, layout, adaptedSites, Arrangement.CHANNELS_LAST));
  }

  public Method method() {
    return layout.method();
  }

  /** Number of sites whose normalization was replaced. */
  public int adaptedSites() {
    return adaptedSites.size();
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
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (StateKind kind : layout.kinds()) {
      tensors.put(kind.name(), Tensor.allocate(ElementType.FP32, layout.shape(kind)));
    }
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
        Tensor packed = tensors.get(kind.name());
        if (packed == null) {
          throw new IllegalStateException("no tensor for " + kind);
        }
        FloatBuffer floats = packed.floats();
        for (int row = 0; row < Math.max(kind.rows(), 1); row++) {
          floats.put(row * width + offset, values[i], row * site.channels(), site.channels());
        }
      }
      offset += site.channels();
    }
    return new AdaptationState(layout, tensors, 0);
  }
}
