package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.StateTensor;
import dev.acclimate.models.Constants;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A group of parameters side by side in one vector, so that a step hands over one tensor a group
 * and the optimizer takes one walk over it.
 *
 * @param state the vector
 * @param parts the parameters, in order
 */
record PackedParameters(StateTensor state, List<Part> parts) {

  /**
   * A parameter's place.
   *
   * @param name of the initializer
   * @param shape of the initializer
   * @param offset of its first element
   */
  record Part(String name, List<Long> shape, int offset) {
    int size() {
      return Math.toIntExact(Tensor.elements(sizes()));
    }

    long[] sizes() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  PackedParameters {
    parts = List.copyOf(parts);
  }

  /** Packs initializers of a model. */
  static PackedParameters of(String name, OnnxModel model, List<String> initializers) {
    Constants constants = new Constants(model.graph());
    List<Part> parts = new ArrayList<>();
    int offset = 0;
    for (String initializer : initializers) {
      Tensor value = constants.real(initializer).orElseThrow();
      List<Long> shape = new ArrayList<>();
      for (long size : value.shape()) {
        shape.add(size);
      }
      Part part = new Part(initializer, shape, offset);
      parts.add(part);
      offset = Math.addExact(offset, part.size());
    }
    return new PackedParameters(new StateTensor(name, List.of((long) offset)), parts);
  }

  boolean isEmpty() {
    return parts.isEmpty();
  }

  /** The parts of a packed tensor as vectors. */
  List<String> split(OperatorWriter ops, String packed) {
    return ops.split(packed, 0, parts.stream().mapToLong(Part::size).toArray());
  }

  /** Writes each parameter out of the packed tensor, under its own name. */
  void unpack(OperatorWriter ops) {
    List<String> vectors = split(ops, state.input());
    for (int i = 0; i < parts.size(); i++) {
      String shape = ops.constant(parts.get(i).sizes());
      ops.emitTo(parts.get(i).name(), "Reshape", List.of(vectors.get(i), shape));
    }
  }

  /** What the model starts with. */
  Tensor start(OnnxModel model) {
    Constants constants = new Constants(model.graph());
    Tensor packed = Tensor.allocate(ElementType.FP32, state.sizes());
    for (Part part : parts) {
      packed
          .floats()
          .put(part.offset(), constants.real(part.name()).orElseThrow().floats(), 0, part.size());
    }
    return packed;
  }

  /** One parameter's values out of the packed tensor; a copy. */
  static float[] values(Part part, Tensor packed) {
    float[] values = new float[part.size()];
    packed.floats().get(part.offset(), values);
    return values;
  }

  /** Frobenius norm of a parameter. */
  static double norm(Part part, Tensor packed) {
    double squares = 0;
    for (float value : values(part, packed)) {
      squares += value * (double) value;
    }
    return Math.sqrt(squares);
  }
}
