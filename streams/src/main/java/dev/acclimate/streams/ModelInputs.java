package dev.acclimate.streams;

import static dev.acclimate.streams.DeadLetterReason.MALFORMED;
import static dev.acclimate.streams.DeadLetterReason.MISSING_INPUT;
import static dev.acclimate.streams.DeadLetterReason.UNKNOWN_INPUT;
import static dev.acclimate.streams.DeadLetterReason.UNSUPPORTED_DATATYPE;
import static dev.acclimate.streams.DeadLetterReason.WRONG_DATATYPE;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.TensorInfo;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a model's inputs are called and made of, against which requests are checked. */
final class ModelInputs {
  private final List<TensorInfo> inputs;
  private final Map<String, Integer> indexes = new HashMap<>();

  ModelInputs(List<TensorInfo> inputs) {
    this.inputs = List.copyOf(inputs);
    for (int i = 0; i < inputs.size(); i++) {
      indexes.put(inputs.get(i).name(), i);
    }
  }

  int count() {
    return inputs.size();
  }

  TensorInfo get(int input) {
    return inputs.get(input);
  }

  /**
   * The place of an input that a request names.
   *
   * @param seen inputs that it has named before; this one is added
   */
  int find(@Nullable String name, boolean[] seen) throws InvalidRecordException {
    Integer index = name == null ? null : indexes.get(name);
    if (index == null) {
      throw new InvalidRecordException(
          UNKNOWN_INPUT,
          "inputs: expected names out of "
              + inputs.stream().map(TensorInfo::name).toList()
              + ", found "
              + (name == null ? "none" : "'" + RequestDecoder.abbreviated(name) + "'"));
    }
    if (seen[index]) {
      throw new InvalidRecordException(
          MALFORMED, about(name) + "expected once, found a second time");
    }
    seen[index] = true;
    return index;
  }

  void requireType(int input, @Nullable String datatype) throws InvalidRecordException {
    TensorInfo info = inputs.get(input);
    if (info.type().name().equals(datatype)) {
      return;
    }
    boolean known =
        Arrays.stream(ElementType.values()).anyMatch(type -> type.name().equals(datatype));
    throw new InvalidRecordException(
        datatype == null ? MALFORMED : known ? WRONG_DATATYPE : UNSUPPORTED_DATATYPE,
        about(info.name())
            + "expected datatype "
            + info.type()
            + ", found "
            + (datatype == null ? "none" : RequestDecoder.abbreviated(datatype)));
  }

  void requireAll(boolean[] seen) throws InvalidRecordException {
    for (int i = 0; i < seen.length; i++) {
      if (!seen[i]) {
        throw new InvalidRecordException(
            MISSING_INPUT, "inputs: expected " + inputs.get(i) + ", found none of that name");
      }
    }
  }

  /** How messages open that are about an input. */
  static String about(@Nullable String name) {
    return name == null ? "inputs: " : "input " + RequestDecoder.abbreviated(name) + ": ";
  }
}
