package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.RuntimeOptimizer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A model rewritten for ONNX Runtime's CPU kernels and batches of one size.
 *
 * <p>ONNX Runtime keeps activations between convolutions in blocks of channels, as far as it knows
 * the operators between them. It does not know what adaptation and learning put there: statistics,
 * normalization by computed numbers, slopes, convolutions with weights that change. Here all of
 * that stays in blocks. What scales or offsets channels becomes a depthwise convolution with a
 * kernel of 1x1, into which an addition and a Relu fold; sums of products over positions become the
 * convolution of a tensor with another as its kernel, so that no product is written down.
 *
 * <p>The model computes the same. It runs on this machine, by this version of ONNX Runtime, and
 * takes batches of the one size alone.
 */
public final class BlockedModel {
  private final OnnxModel model;
  private final GraphEditor editor;
  private final OperatorWriter ops;
  private final BlockedTensors tensors;
  private final ConvolutionLowering convolutions;
  private final ElementwiseLowering numbers;
  private final PositionLowering positions;

  private BlockedModel(OnnxModel model, int block) {
    this.model = model;
    this.editor = new GraphEditor(model);
    this.ops = editor.writer("acclimate/blocked/");
    this.tensors = new BlockedTensors(model, ops, new BlockedOperators(ops, block));
    Constants constants = new Constants(model.graph());
    this.positions = new PositionLowering(tensors, constants);
    this.convolutions = new ConvolutionLowering(tensors, constants, positions);
    this.numbers = new ElementwiseLowering(tensors, constants);
  }

  /**
   * Rewrites a model.
   *
   * @param samples the axis of the samples as the model's inputs declare it
   * @param batch samples in a batch
   * @return empty where ONNX Runtime has no blocks on this machine, or the model no name for its
   *     samples' axis
   */
  public static Optional<OnnxModel> compile(OnnxModel model, Dimension samples, long batch) {
    return compile(model, samples, batch, BatchSlices.Worth.MEASURED);
  }

  /**
   * {@link #compile(OnnxModel, Dimension, long)} with the batch in slices where they are worth it.
   */
  static Optional<OnnxModel> compile(
      OnnxModel model, Dimension samples, long batch, BatchSlices.Worth slices) {
    boolean known = samples.isFixed() ? samples.size() == batch : !samples.symbol().isEmpty();
    OptionalInt block = BlockSize.ofThisMachine();
    if (!known || block.isEmpty()) {
      return Optional.empty();
    }
    OnnxModel simple = RuntimeOptimizer.simplify(model.withSize(samples, batch));
    OnnxModel images = SeriesAsImages.write(simple);
    OnnxModel sliced = BatchSlices.write(images, batch, slices);
    return Optional.of(new BlockedModel(sliced, block.getAsInt()).rewrite());
  }

  private OnnxModel rewrite() {
    for (int i = 0; i < model.graph().getNodeCount(); i++) {
      NodeProto node = model.graph().getNode(i);
      if (!OnnxModel.isDefaultDomain(node.getDomain())
          || node.getOutputCount() != 1
          || !rewrite(node)) {
        GraphEditor.tensorsRead(node).forEach(tensors::plain);
        ops.add(node);
      }
      editor.replace(i, List.of());
    }
    model.graph().getOutputList().forEach(output -> tensors.plain(output.getName()));
    editor.append(read(ops.nodes()));
    ModelProto.Builder proto = editor.build().proto().toBuilder();
    proto.getGraphBuilder().clearValueInfo();
    return OnnxModel.of(proto.build(), model.name());
  }

  /** The nodes without those that nobody reads, which ONNX Runtime would run. */
  private List<NodeProto> read(List<NodeProto> nodes) {
    Set<String> wanted = new HashSet<>();
    model.graph().getOutputList().forEach(output -> wanted.add(output.getName()));
    Deque<NodeProto> kept = new ArrayDeque<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      NodeProto node = nodes.get(i);
      if (node.getOutputList().stream().anyMatch(wanted::contains)) {
        wanted.addAll(GraphEditor.tensorsRead(node));
        kept.addFirst(node);
      }
    }
    return List.copyOf(kept);
  }

  private boolean rewrite(NodeProto node) {
    return convolutions.lower(node) || numbers.lower(node) || positions.lower(node);
  }
}
