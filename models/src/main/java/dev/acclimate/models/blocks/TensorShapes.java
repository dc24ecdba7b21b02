package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.TensorInfo;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Sizes of all tensors of a model, as far as ONNX Runtime infers them. */
final class TensorShapes {
  private final Map<String, TensorInfo> shapes;

  TensorShapes(OnnxModel model) {
    Set<String> tensors = new HashSet<>();
    model.graph().getInitializerList().forEach(tensor -> tensors.add(tensor.getName()));
    for (NodeProto node : model.graph().getNodeList()) {
      tensors.addAll(node.getOutputList());
    }
    tensors.remove("");
    this.shapes = model.infer(tensors);
  }

  /** The sizes of a tensor; none where not all of them are known. */
  long[] of(String tensor) {
    TensorInfo info = shapes.get(tensor);
    return info == null || !isKnown(info)
        ? new long[0]
        : info.dimensions().stream().mapToLong(Dimension::size).toArray();
  }

  boolean isKnown(String tensor) {
    TensorInfo info = shapes.get(tensor);
    return info != null && isKnown(info);
  }

  private static boolean isKnown(TensorInfo info) {
    return info.dimensions().stream().allMatch(Dimension::isFixed);
  }

  /** True where a tensor has one element. */
  boolean isScalar(String tensor) {
    TensorInfo info = shapes.get(tensor);
    return info != null && isKnown(info) && info.dimensions().stream().allMatch(d -> d.size() == 1);
  }

  boolean isFloat(String tensor) {
    TensorInfo info = shapes.get(tensor);
    return info != null && info.type() == ElementType.FP32;
  }
}
