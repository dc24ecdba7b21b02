package dev.acclimate.agent.upstream;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.TensorInfo;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What a server says a model takes and gives.
 *
 * @param inputs empty where it does not say
 * @param outputs empty where it does not say
 */
record UpstreamMetadata(List<Declared> inputs, List<Declared> outputs) {

  /**
   * A tensor as the protocol declares it.
   *
   * @param shape -1 for an axis of any size
   */
  record Declared(String name, String datatype, List<Long> shape) {
    boolean isSameAs(TensorInfo info) {
      if (!datatype.equals(info.type().name()) || shape.size() != info.rank()) {
        return false;
      }
      for (int axis = 0; axis < info.rank(); axis++) {
        Dimension ours = info.dimensions().get(axis);
        if (shape.get(axis) >= 0 && ours.isFixed() && shape.get(axis) != ours.size()) {
          return false;
        }
      }
      return true;
    }

    @Override
    public String toString() {
      return datatype + " " + shape;
    }
  }

  /**
   * Reads a model's metadata.
   *
   * @throws InvalidInputException when it is none
   */
  static UpstreamMetadata parse(JsonObject metadata) {
    try {
      return new UpstreamMetadata(
          declared(metadata.getJsonArray("inputs")), declared(metadata.getJsonArray("outputs")));
    } catch (ClassCastException | NullPointerException e) {
      throw new InvalidInputException("expected the metadata of a model, found other content", e);
    }
  }

  private static List<Declared> declared(JsonArray tensors) {
    List<Declared> all = new ArrayList<>();
    for (int i = 0; tensors != null && i < tensors.size(); i++) {
      JsonObject tensor = tensors.getJsonObject(i);
      List<Long> shape = new ArrayList<>();
      tensor.getJsonArray("shape").forEach(size -> shape.add(((Number) size).longValue()));
      all.add(
          new Declared(
              Objects.requireNonNull(tensor.getString("name")),
              Objects.requireNonNull(tensor.getString("datatype")),
              shape));
    }
    return all;
  }

  /** Whether it says anything. */
  boolean says() {
    return !inputs.isEmpty() && !outputs.isEmpty();
  }

  /**
   * Refuses a model of ours that takes or gives anything else.
   *
   * @throws InvalidInputException naming the tensor, what was expected and what was found
   */
  void requireSame(List<TensorInfo> ourInputs, List<TensorInfo> ourOutputs) {
    if (says()) {
      requireSame("input", inputs, ourInputs);
      requireSame("output", outputs, ourOutputs);
    }
  }

  private static void requireSame(String kind, List<Declared> theirs, List<TensorInfo> ours) {
    for (TensorInfo info : ours) {
      Declared found =
          theirs.stream().filter(one -> one.name().equals(info.name())).findFirst().orElse(null);
      if (found == null || !found.isSameAs(info)) {
        throw new InvalidInputException(
            kind
                + " "
                + info.name()
                + ": expected "
                + info.type()
                + " "
                + info.shapeText()
                + " as in our model, found "
                + (found == null
                    ? "none of that name among " + theirs.stream().map(Declared::name).toList()
                    : found));
      }
    }
    for (Declared one : theirs) {
      if (ours.stream().noneMatch(info -> info.name().equals(one.name()))) {
        throw new InvalidInputException(
            kind
                + " "
                + one.name()
                + ": expected none of that name, as in our model, found "
                + one);
      }
    }
  }
}
