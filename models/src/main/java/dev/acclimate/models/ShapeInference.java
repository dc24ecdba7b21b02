package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Types and shapes of inner tensors. ONNX Runtime infers them for every operator that it knows, so
 * the tensors in question are declared outputs of a throw-away session and read back.
 */
final class ShapeInference {
  private ShapeInference() {}

  static Map<String, TensorInfo> infer(OnnxModel model, List<String> tensors) {
    Map<String, TensorInfo> shapes = new HashMap<>();
    Set<String> declared = new HashSet<>();
    for (TensorInfo info : model.inputs()) {
      shapes.put(info.name(), info);
      declared.add(info.name());
    }
    GraphProto.Builder graph = model.graph().toBuilder();
    graph.getOutputList().forEach(output -> declared.add(output.getName()));
    for (String tensor : tensors) {
      if (declared.add(tensor)) {
        graph.addOutput(ValueInfoProto.newBuilder().setName(tensor));
      }
    }
    OrtEnvironment environment = RuntimeEnvironment.get();
    byte[] bytes = model.proto().toBuilder().setGraph(graph).build().toByteArray();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      // what it says of the graph's insides no user can put right, what it refuses it throws
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      // constants are folded, so that shapes that are computed from them are known
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.BASIC_OPT);
      options.setIntraOpNumThreads(1);
      try (OrtSession session = environment.createSession(bytes, options)) {
        for (Map.Entry<String, NodeInfo> output : session.getOutputInfo().entrySet()) {
          if (output.getValue().getInfo() instanceof ai.onnxruntime.TensorInfo tensor) {
            shapes.put(output.getKey(), convert(output.getKey(), tensor));
          }
        }
      }
    } catch (OrtException e) {
      throw RuntimeFailure.refused(model, e);
    }
    return shapes;
  }

  private static TensorInfo convert(String name, ai.onnxruntime.TensorInfo tensor) {
    List<Dimension> dimensions = new ArrayList<>();
    long[] sizes = tensor.getShape();
    String[] symbols = tensor.getDimensionNames();
    for (int axis = 0; axis < sizes.length; axis++) {
      dimensions.add(
          sizes[axis] >= 0 ? Dimension.fixed(sizes[axis]) : Dimension.symbolic(symbols[axis]));
    }
    ElementType type = ElementType.FP32;
    for (ElementType candidate : ElementType.values()) {
      if (candidate.javaType() == tensor.type) {
        type = candidate;
      }
    }
    if (tensor.type == OnnxJavaType.UNKNOWN || tensor.type == OnnxJavaType.STRING) {
      dimensions.clear();
    }
    return new TensorInfo(name, type, dimensions);
  }
}
