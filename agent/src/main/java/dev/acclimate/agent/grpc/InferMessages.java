package dev.acclimate.agent.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.DeadLetterReason;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestTensors;
import inference.InferParameter;
import inference.InferTensorContents;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The protocol's inference messages, read into tensors and written from outputs. */
final class InferMessages {
  private InferMessages() {}

  /**
   * Reads a request.
   *
   * @param tensors of the model's inputs, empty
   * @throws InvalidRecordException when the model cannot be asked it
   */
  static InferenceRequest read(
      ModelInferRequest message, InferenceModel model, RequestTensors tensors)
      throws InvalidRecordException {
    boolean raw = message.getRawInputContentsCount() > 0;
    if (raw && message.getRawInputContentsCount() != message.getInputsCount()) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_COUNT,
          "raw_input_contents: expected "
              + message.getInputsCount()
              + " entries as inputs has, found "
              + message.getRawInputContentsCount());
    }
    for (int i = 0; i < message.getInputsCount(); i++) {
      ModelInferRequest.InferInputTensor input = message.getInputs(i);
      long[] shape = input.getShapeList().stream().mapToLong(Long::longValue).toArray();
      int place = tensors.add(input.getName(), input.getDatatype(), shape);
      if (!raw) {
        fill(input, tensors.at(place));
      } else if (input.hasContents()) {
        throw new InvalidRecordException(
            DeadLetterReason.MALFORMED,
            "input "
                + input.getName()
                + ": expected no contents beside raw_input_contents, found some");
      } else {
        tensors.fill(place, message.getRawInputContents(i).toByteArray());
      }
    }
    tensors.requireComplete();
    return new InferenceRequest(
        message.getId().isEmpty() ? null : message.getId(),
        tensors.samples(),
        raw,
        outputs(message, model),
        parameters(message.getParametersMap()),
        Map.of());
  }

  private static Set<String> outputs(ModelInferRequest message, InferenceModel model)
      throws InvalidRecordException {
    List<String> known = model.outputs().stream().map(TensorInfo::name).toList();
    Set<String> names = new LinkedHashSet<>();
    for (ModelInferRequest.InferRequestedOutputTensor output : message.getOutputsList()) {
      if (!known.contains(output.getName())) {
        throw new InvalidRecordException(
            DeadLetterReason.UNKNOWN_OUTPUT,
            "outputs: expected names out of " + known + ", found '" + output.getName() + "'");
      }
      names.add(output.getName());
    }
    return names;
  }

  private static Map<String, Object> parameters(Map<String, InferParameter> messages) {
    Map<String, Object> parameters = new HashMap<>();
    messages.forEach(
        (name, parameter) -> {
          switch (parameter.getParameterChoiceCase()) {
            case BOOL_PARAM -> parameters.put(name, parameter.getBoolParam());
            case INT64_PARAM -> parameters.put(name, parameter.getInt64Param());
            case STRING_PARAM -> parameters.put(name, parameter.getStringParam());
            case DOUBLE_PARAM -> parameters.put(name, parameter.getDoubleParam());
            case UINT64_PARAM -> parameters.put(name, parameter.getUint64Param());
            case PARAMETERCHOICE_NOT_SET -> {}
          }
        });
    return parameters;
  }

  private static void fill(ModelInferRequest.InferInputTensor input, Tensor tensor)
      throws InvalidRecordException {
    InferTensorContents contents = input.getContents();
    ByteBuffer bytes = tensor.bytes();
    switch (tensor.type()) {
      case BOOL -> {
        require(input, tensor, contents.getBoolContentsCount());
        contents.getBoolContentsList().forEach(value -> bytes.put((byte) (value ? 1 : 0)));
      }
      case INT8, INT16, INT32 -> {
        require(input, tensor, contents.getIntContentsCount());
        for (int value : contents.getIntContentsList()) {
          put(input, tensor.type(), bytes, value);
        }
      }
      case UINT8 -> {
        require(input, tensor, contents.getUintContentsCount());
        for (int value : contents.getUintContentsList()) {
          put(input, tensor.type(), bytes, Integer.toUnsignedLong(value));
        }
      }
      case INT64 -> {
        require(input, tensor, contents.getInt64ContentsCount());
        contents.getInt64ContentsList().forEach(bytes::putLong);
      }
      case FP32 -> {
        require(input, tensor, contents.getFp32ContentsCount());
        contents.getFp32ContentsList().forEach(bytes::putFloat);
      }
      case FP64 -> {
        require(input, tensor, contents.getFp64ContentsCount());
        contents.getFp64ContentsList().forEach(bytes::putDouble);
      }
      case FP16, BF16 ->
          throw new InvalidRecordException(
              DeadLetterReason.UNSUPPORTED_DATATYPE,
              "input "
                  + input.getName()
                  + ": expected "
                  + tensor.type()
                  + " in raw_input_contents, found none there");
    }
  }

  private static void require(ModelInferRequest.InferInputTensor input, Tensor tensor, int found)
      throws InvalidRecordException {
    if (found != tensor.elements()) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_COUNT,
          "input "
              + input.getName()
              + ": contents: expected "
              + tensor.elements()
              + " "
              + tensor.type()
              + " elements, found "
              + found);
    }
  }

  private static void put(
      ModelInferRequest.InferInputTensor input, ElementType type, ByteBuffer bytes, long value)
      throws InvalidRecordException {
    boolean fits =
        switch (type) {
          case INT8 -> value == (byte) value;
          case INT16 -> value == (short) value;
          case UINT8 -> value <= 255;
          default -> true;
        };
    if (!fits) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_DATATYPE,
          "input " + input.getName() + ": expected " + type + " elements, found " + value);
    }
    switch (type.bytes()) {
      case 1 -> bytes.put((byte) value);
      case 2 -> bytes.putShort((short) value);
      default -> bytes.putInt((int) value);
    }
  }

  /** The answer, in the form of the request: raw, or typed where every output has a typed form. */
  static ModelInferResponse write(
      InferenceRequest request, InferenceModel model, List<OutputSlice> slices) {
    ModelInferResponse.Builder response =
        ModelInferResponse.newBuilder()
            .setModelName(model.name())
            .setModelVersion(model.version())
            .setId(request.id() == null ? "" : request.id());
    boolean raw = request.binary() || !slices.stream().allMatch(slice -> hasTyped(slice.type()));
    for (OutputSlice slice : slices) {
      ModelInferResponse.InferOutputTensor.Builder output =
          ModelInferResponse.InferOutputTensor.newBuilder()
              .setName(slice.name())
              .setDatatype(slice.type().name());
      for (long size : slice.shape()) {
        output.addShape(size);
      }
      if (raw) {
        ByteString bytes = UnsafeByteOperations.unsafeWrap(slice.toRaw());
        response.addRawOutputContents(bytes);
      } else {
        output.setContents(typed(slice));
      }
      response.addOutputs(output);
    }
    return response.build();
  }

  private static boolean hasTyped(ElementType type) {
    return type != ElementType.FP16 && type != ElementType.BF16;
  }

  private static InferTensorContents typed(OutputSlice slice) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    ByteBuffer bytes = slice.bytes();
    for (int at = 0; at < bytes.limit(); at += slice.type().bytes()) {
      switch (slice.type()) {
        case BOOL -> contents.addBoolContents(bytes.get(at) != 0);
        case INT8 -> contents.addIntContents(bytes.get(at));
        case INT16 -> contents.addIntContents(bytes.getShort(at));
        case INT32 -> contents.addIntContents(bytes.getInt(at));
        case UINT8 -> contents.addUintContents(Byte.toUnsignedInt(bytes.get(at)));
        case INT64 -> contents.addInt64Contents(bytes.getLong(at));
        case FP32 -> contents.addFp32Contents(bytes.getFloat(at));
        case FP64 -> contents.addFp64Contents(bytes.getDouble(at));
        case FP16, BF16 -> throw new AssertionError(slice.type() + " has no typed form");
      }
    }
    return contents.build();
  }
}
