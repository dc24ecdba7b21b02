package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Optional;

/** Reads a node's attributes, or what ONNX takes where a node leaves one out. */
public final class NodeAttributes {
  private NodeAttributes() {}

  public static Optional<AttributeProto> find(NodeProto node, String name) {
    return node.getAttributeList().stream().filter(a -> a.getName().equals(name)).findFirst();
  }

  public static long integer(NodeProto node, String name, long byDefault) {
    return find(node, name).map(AttributeProto::getI).orElse(byDefault);
  }

  public static float decimal(NodeProto node, String name, float byDefault) {
    return find(node, name).map(AttributeProto::getF).orElse(byDefault);
  }

  public static String text(NodeProto node, String name, String byDefault) {
    return find(node, name).map(a -> a.getS().toStringUtf8()).orElse(byDefault);
  }

  /** A list of integers, empty where the node leaves it out. */
  public static Optional<long[]> integers(NodeProto node, String name) {
    return find(node, name).map(a -> a.getIntsList().stream().mapToLong(Long::longValue).toArray());
  }

  /** What a BatchNormalization adds to variances. */
  public static float epsilon(NodeProto batchNormalization) {
    return decimal(batchNormalization, "epsilon", 1e-5f);
  }

  /** Whether a BatchNormalization asks for the statistics of its batch by itself. */
  public static boolean isTraining(NodeProto batchNormalization) {
    return integer(batchNormalization, "training_mode", 0) != 0;
  }
}
