package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.blocks.Activations.Pending;
import dev.acclimate.models.blocks.Activations.Product;
import dev.acclimate.models.blocks.Activations.Ready;
import dev.acclimate.models.blocks.Activations.Scaled;
import java.util.Optional;
import java.util.Set;

/** What is done to each number, alone or with another, and to each channel. */
final class ElementwiseLowering {
  /** Functions of one number. */
  static final Set<String> FUNCTIONS =
      Set.of(
          "Abs",
          "Clip",
          "Elu",
          "Erf",
          "Exp",
          "HardSigmoid",
          "HardSwish",
          "LeakyRelu",
          "Log",
          "Neg",
          "Reciprocal",
          "Relu",
          "Sigmoid",
          "Softplus",
          "Sqrt",
          "Tanh");

  private final BlockedTensors tensors;
  private final OperatorWriter ops;
  private final Constants constants;

  ElementwiseLowering(BlockedTensors tensors, Constants constants) {
    this.tensors = tensors;
    this.ops = tensors.ops();
    this.constants = constants;
  }

  /** Writes a node in blocks; false where it is left to others. */
  boolean lower(NodeProto node) {
    return switch (node.getOpType()) {
      case "BatchNormalization" -> normalization(node);
      case "Add" -> add(node);
      case "Sub" -> subtract(node);
      case "Mul" -> multiply(node);
      case "Concat" -> concat(node);
      default -> FUNCTIONS.contains(node.getOpType()) && function(node);
    };
  }

  private boolean normalization(NodeProto node) {
    String x = node.getInput(0);
    if (!tensors.isBlocked(x) || NodeAttributes.isTraining(node)) {
      return false;
    }
    node.getInputList().stream().skip(1).forEach(tensors::plain);
    String variance = ops.add(node.getInput(4), ops.constant(NodeAttributes.epsilon(node)));
    String scale = ops.div(node.getInput(1), ops.sqrt(variance));
    String offset = ops.sub(node.getInput(2), ops.mul(node.getInput(3), scale));
    long channels = tensors.shape(x)[1];
    tensors.put(
        node.getOutput(0),
        new Scaled(
            ops,
            tensors.ready(x),
            new PerChannel(scale, channels, false),
            new PerChannel(offset, channels, false)));
    return true;
  }

  private boolean function(NodeProto node) {
    String x = node.getInput(0);
    if (!tensors.isBlocked(x)) {
      return false;
    }
    Optional<Activation> activation = Activation.of(node, constants);
    if (activation.isPresent()
        && tensors.isReadOnce(x)
        && tensors.value(x) instanceof Pending pending
        && pending.takesActivation()) {
      pending.activate(activation.get());
      tensors.remove(x);
      tensors.put(node.getOutput(0), pending);
      return true;
    }
    return elementwise(node);
  }

  /** The operator as it is, on memory in another order. */
  private boolean elementwise(NodeProto node) {
    NodeProto.Builder moved = node.toBuilder().clearName().clearOutput();
    for (int i = 0; i < node.getInputCount(); i++) {
      String input = node.getInput(i);
      if (input.isEmpty() || tensors.isScalar(input)) {
        tensors.plain(input);
      } else {
        moved.setInput(i, tensors.ready(input));
      }
    }
    tensors.put(node.getOutput(0), new Ready(ops.emit(moved)));
    return true;
  }

  /** True where at least one of two activations of equal shape is in blocks. */
  private boolean areActivations(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    return (tensors.isBlocked(a) || tensors.isBlocked(b))
        && tensors.fitsBlocks(a)
        && tensors.sameShape(a, b);
  }

  private boolean hasScalar(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    return (tensors.isBlocked(a) && tensors.isScalar(b))
        || (tensors.isBlocked(b) && tensors.isScalar(a));
  }

  private boolean add(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    String y = node.getOutput(0);
    if (areActivations(node)) {
      return sum(y, a, b) || sum(y, b, a) || elementwise(node);
    }
    if (hasScalar(node)) {
      return elementwise(node);
    }
    return offset(y, a, b) || offset(y, b, a);
  }

  /** Lets an addition join what is not yet written. */
  private boolean sum(String y, String a, String b) {
    Pending pending = tensors.joinable(a);
    if (pending == null) {
      return false;
    }
    pending.add(tensors.ready(b));
    tensors.remove(a);
    tensors.put(y, pending);
    return true;
  }

  private boolean offset(String y, String x, String offset) {
    if (!tensors.isBlocked(x)) {
      return false;
    }
    PerChannel added = tensors.perChannel(offset, x);
    if (added == null) {
      return false;
    }
    if (tensors.joinable(x) instanceof Scaled scaled && scaled.takesOffset()) {
      scaled.offset(added);
      tensors.remove(x);
      tensors.put(y, scaled);
    } else {
      tensors.put(y, new Scaled(ops, tensors.ready(x), one(x), added));
    }
    return true;
  }

  private boolean subtract(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    String y = node.getOutput(0);
    if (areActivations(node)) {
      if (tensors.joinable(b) instanceof Scaled scaled) {
        Scaled negative = scaled.negated();
        negative.add(tensors.ready(a));
        tensors.remove(b);
        tensors.put(y, negative);
        return true;
      }
      return elementwise(node);
    }
    if (hasScalar(node)) {
      return elementwise(node);
    }
    PerChannel taken = tensors.isBlocked(a) ? tensors.perChannel(b, a) : null;
    if (taken == null) {
      return false;
    }
    tensors.put(y, new Scaled(ops, tensors.ready(a), one(a), taken.negated(ops)));
    return true;
  }

  private PerChannel one(String activations) {
    return PerChannel.all(ops, 1, tensors.shape(activations)[1]);
  }

  private boolean multiply(NodeProto node) {
    String a = node.getInput(0);
    String b = node.getInput(1);
    String y = node.getOutput(0);
    if (areActivations(node)) {
      tensors.put(y, new Product(tensors.ready(a), tensors.ready(b)));
      return true;
    }
    if (hasScalar(node)) {
      return elementwise(node);
    }
    return scale(y, a, b) || scale(y, b, a);
  }

  private boolean scale(String y, String x, String scale) {
    if (!tensors.isBlocked(x)) {
      return false;
    }
    PerChannel factor = tensors.perChannel(scale, x);
    if (factor == null) {
      return false;
    }
    tensors.put(y, new Scaled(ops, tensors.ready(x), factor, null));
    return true;
  }

  private boolean concat(NodeProto node) {
    long axis = NodeAttributes.integer(node, "axis", 0);
    boolean alongSamplesOrChannels = axis == 0 || axis == 1 || axis == -3 || axis == -4;
    if (!alongSamplesOrChannels
        || !node.getInputList().stream().allMatch(tensors::fitsBlocks)
        || node.getInputList().stream().noneMatch(tensors::isBlocked)) {
      return false;
    }
    return elementwise(node);
  }
}
