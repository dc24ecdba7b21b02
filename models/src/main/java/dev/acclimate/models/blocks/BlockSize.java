package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.RuntimeOptimizer;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.LongStream;

/** How many channels make a block: ONNX Runtime knows and does not tell, so it is watched. */
final class BlockSize {
  /** A multiple of any processor's block. */
  private static final int CHANNELS = 64;

  private BlockSize() {}

  private static final class OfThisMachine {
    private static final OptionalInt SIZE = observe();
  }

  /** Channels in a block, empty where ONNX Runtime has no blocks on this machine. */
  static OptionalInt ofThisMachine() {
    return OfThisMachine.SIZE;
  }

  /**
   * Has the weights of a convolution put in order. Outputs of one block come first, at the first
   * input; then the same at the second input.
   */
  private static OptionalInt observe() {
    float[] inputOfWeight = new float[CHANNELS * CHANNELS];
    for (int i = 0; i < inputOfWeight.length; i++) {
      inputOfWeight[i] = i % CHANNELS;
    }
    ModelProto optimized = RuntimeOptimizer.forThisMachine(convolution(inputOfWeight)).proto();
    for (NodeProto node : optimized.getGraph().getNodeList()) {
      if (node.getDomain().equals(BlockedOperators.DOMAIN) && node.getOpType().equals("Conv")) {
        float[] ordered =
            new Constants(optimized.getGraph()).real(node.getInput(1)).orElseThrow().toFloatArray();
        int size = 0;
        while (ordered[size] == 0) {
          size++;
        }
        return OptionalInt.of(size);
      }
    }
    return OptionalInt.empty();
  }

  private static OnnxModel convolution(float[] weights) {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("convolution")
            .addInput(activations("x"))
            .addOutput(activations("y"))
            .addInitializer(
                Constants.tensor(weights, CHANNELS, CHANNELS, 1, 1).toBuilder().setName("w"))
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("Conv")
                    .addInput("x")
                    .addInput("w")
                    .addOutput("y"));
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build(),
        "convolution");
  }

  private static ValueInfoProto activations(String name) {
    List<Dimension> shape = LongStream.of(1, CHANNELS, 2, 2).mapToObj(Dimension::fixed).toList();
    return GraphEditor.valueInfo(name, ElementType.FP32, shape);
  }
}
