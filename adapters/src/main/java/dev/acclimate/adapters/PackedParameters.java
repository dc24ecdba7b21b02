package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A group of parameters side by side in one vector, so that a step hands over one tensor a group
 * and the optimizer takes one walk over it.
 *
 * @param state the vector
 * @param parts the parameters, in order
 */
public record PackedParameters(StateTensor state, List<Part> parts) {

  /**
   * A parameter's place.
   *
   * @param name of the initializer
   * @param shape of the initializer
   * @param offset of its first element
   */
  public record Part(String name, List<Long> shape, int offset) {
    public int size() {
      return Math.toIntExact(Tensor.elements(sizes()));
    }

    public long[] sizes() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  public PackedParameters {
    parts = List.copyOf(parts);
  }

  /** Packs initializers of a model. */
  public static PackedParameters of(String name, OnnxModel model, List<String> initializers) {
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

  public boolean isEmpty() {
    return parts.isEmpty();
  }

  /** The parts of a packed tensor as vectors. */
  public List<String> split(OperatorWriter ops, String packed) {
    return ops.split(packed, 0, parts.stream().mapToLong(Part::size).toArray());
  }

  /** Writes each parameter out of the packed tensor, under its own name. */
  public void unpack(OperatorWriter ops) {
    List<String> vectors = split(ops, state.input());
    for (int i = 0; i < parts.size(); i++) {
      String shape = ops.constant(parts.get(i).sizes());
      ops.emitTo(parts.get(i).name(), "Reshape", List.of(vectors.get(i), shape));
    }
  }

  /**
   * The model without these initializers: what {@link #unpack} writes, placed before its nodes,
   * takes their place.
   */
  public OnnxModel removedFrom(OnnxModel model) {
    Set<String> names = parts.stream().map(Part::name).collect(Collectors.toSet());
    GraphProto.Builder graph = model.graph().toBuilder();
    List<TensorProto> kept =
        graph.getInitializerList().stream().filter(t -> !names.contains(t.getName())).toList();
    graph.clearInitializer().addAllInitializer(kept);
    return OnnxModel.of(model.proto().toBuilder().setGraph(graph).build(), model.name());
  }

  /** What the model starts with. */
  public Tensor start(OnnxModel model) {
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
  public static float[] values(Part part, Tensor packed) {
    float[] values = new float[part.size()];
    packed.floats().get(part.offset(), values);
    return values;
  }

  /** Frobenius norm of a parameter. */
  public static double norm(Part part, Tensor packed) {
    double squares = 0;
    for (float value : values(part, packed)) {
      squares += value * (double) value;
    }
    return Math.sqrt(squares);
  }
}
