package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.blocks.Activations.Pending;
import dev.acclimate.models.blocks.Activations.Product;
import dev.acclimate.models.blocks.Activations.Ready;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a model while it is rewritten: their shapes, who reads them, and which are in
 * blocks.
 */
final class BlockedTensors {
  private final OperatorWriter ops;
  private final BlockedOperators blocked;
  private final int block;
  private final TensorShapes shapes;
  private final Map<String, List<NodeProto>> readers = new HashMap<>();
  private final Set<String> outputs = new HashSet<>();
  private final Map<String, Activations> values = new HashMap<>();
  private final Map<String, String> views = new HashMap<>();
  private final Set<String> plain = new HashSet<>();

  /**
   * @param model of which every tensor's size is known or found out
   * @param ops writes everything
   * @param blocked writes through {@code ops} too
   */
  BlockedTensors(OnnxModel model, OperatorWriter ops, BlockedOperators blocked) {
    this.ops = ops;
    this.blocked = blocked;
    this.block = blocked.block();
    for (NodeProto node : model.graph().getNodeList()) {
      GraphEditor.tensorsRead(node).forEach(input -> addReader(input, node));
      if (node.getInputCount() == 2 && node.getInput(0).equals(node.getInput(1))) {
        addReader(node.getInput(0), node);
      }
    }
    model.graph().getOutputList().forEach(output -> outputs.add(output.getName()));
    this.shapes = new TensorShapes(model);
  }

  private void addReader(String tensor, NodeProto node) {
    readers.computeIfAbsent(tensor, name -> new ArrayList<>()).add(node);
  }

  OperatorWriter ops() {
    return ops;
  }

  BlockedOperators blocked() {
    return blocked;
  }

  int block() {
    return block;
  }

  void put(String tensor, Activations value) {
    values.put(tensor, value);
  }

  @Nullable Activations value(String tensor) {
    return values.get(tensor);
  }

  /** What was not yet written has become part of something else. */
  void remove(String tensor) {
    values.remove(tensor);
  }

  /** Notes that a tensor is another in blocks reshaped, to be written only if it is read so. */
  void see(String tensor, String source) {
    views.put(tensor, source);
  }

  @Nullable String seen(String tensor) {
    return views.get(tensor);
  }

  /** The node that reads a tensor where it is one alone, and that once. */
  Optional<NodeProto> onlyReader(String tensor) {
    return isReadOnce(tensor) && readers.containsKey(tensor)
        ? Optional.of(Objects.requireNonNull(readers.get(tensor)).get(0))
        : Optional.empty();
  }

  long[] shape(String tensor) {
    return shapes.of(tensor);
  }

  boolean fitsBlocks(String tensor) {
    long[] shape = shape(tensor);
    return shape.length == 4
        && shape[1] % block == 0
        && shape[1] > 0
        && shape[2] > 0
        && shape[3] > 0
        && isFloat(tensor);
  }

  boolean isFloat(String tensor) {
    return shapes.isFloat(tensor);
  }

  boolean isBlocked(String tensor) {
    return values.containsKey(tensor);
  }

  boolean isReadOnce(String tensor) {
    return readers.getOrDefault(tensor, List.of()).size() + (outputs.contains(tensor) ? 1 : 0) == 1;
  }

  /** A tensor in blocks, put there where it is not yet. */
  String ready(String tensor) {
    Activations value = values.get(tensor);
    String ready;
    if (value == null) {
      ready = blocked.reorderInput(tensor);
    } else if (value instanceof Pending pending) {
      ready = pending.write(blocked, shape(tensor));
    } else if (value instanceof Product product) {
      ready = ops.mul(product.a(), product.b());
    } else {
      return ((Ready) value).tensor();
    }
    values.put(tensor, new Ready(ready));
    return ready;
  }

  /** Sees to it that a tensor is there in plain order under its own name. */
  void plain(String tensor) {
    String source = views.get(tensor);
    if (source != null && plain.add(tensor)) {
      plain(source);
      ops.alias(tensor, ops.reshape(source, shape(tensor)));
    }
    if (isBlocked(tensor) && plain.add(tensor)) {
      ops.alias(tensor, blocked.reorderOutput(ready(tensor), shape(tensor)[1]));
    }
  }

  @Nullable Pending joinable(String tensor) {
    return isReadOnce(tensor) && values.get(tensor) instanceof Pending pending && pending.takesSum()
        ? pending
        : null;
  }

  /** A tensor that is repeated over positions of activations; null where it is none. */
  @Nullable PerChannel perChannel(String tensor, String activations) {
    long[] to = shape(activations);
    long[] from = shape(tensor);
    if (from.length > 4 || from.length < 3) {
      return null;
    }
    int lead = 4 - from.length;
    long samples = lead == 0 ? from[0] : 1;
    boolean fits =
        (samples == 1 || samples == to[0])
            && from[1 - lead] == to[1]
            && from[2 - lead] == 1
            && from[3 - lead] == 1;
    if (!fits) {
      return null;
    }
    plain(tensor);
    return new PerChannel(tensor, to[1], samples > 1);
  }

  boolean isScalar(String tensor) {
    return shapes.isScalar(tensor);
  }

  boolean sameShape(String a, String b) {
    return Arrays.equals(shape(a), shape(b));
  }
}
