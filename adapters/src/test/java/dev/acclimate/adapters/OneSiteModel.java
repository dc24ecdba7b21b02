package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.OnnxModel;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A model of a single BatchNormalization, {@code x [B, C, *]} to {@code y}, optionally behind a 1x1
 * convolution that copies its input.
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
record OneSiteModel(
    float[] gamma, float[] beta, float[] mean, float[] variance, float epsilon, OnnxModel model) {

  static OneSiteModel random(
      int channels, long[] spatial, long batch, long opset, long seed, boolean convolution) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] gamma = new float[channels];
    float[] beta = new float[channels];
    float[] mean = new float[channels];
    float[] variance = new float[channels];
    for (int c = 0; c < channels; c++) {
      gamma[c] = (float) (random.nextDouble() + 0.5) * (random.nextInt(4) == 0 ? -1 : 1);
      beta[c] = (float) random.nextGaussian();
      mean[c] = (float) (2 * random.nextGaussian());
      variance[c] = (float) (random.nextDouble() * 2 + 0.1);
    }
    return of(gamma, beta, mean, variance, 1e-5f, spatial, batch, opset, convolution);
  }

  static OneSiteModel of(
      float[] gamma,
      float[] beta,
      float[] mean,
      float[] variance,
      float epsilon,
      long[] spatial,
      long batch,
      long opset,
      boolean convolution) {
    int channels = gamma.length;
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("one_site")
            .addInput(value("x", batch, channels, spatial))
            .addOutput(value("y", batch, channels, spatial))
            .addInitializer(floats("gamma", gamma, channels))
            .addInitializer(floats("beta", beta, channels))
            .addInitializer(floats("mean", mean, channels))
            .addInitializer(floats("variance", variance, channels));
    String input = "x";
    if (convolution) {
      float[] identity = new float[channels * channels];
      for (int c = 0; c < channels; c++) {
        identity[c * channels + c] = 1;
      }
      long[] shape = new long[2 + spatial.length];
      java.util.Arrays.fill(shape, 1);
      shape[0] = channels;
      shape[1] = channels;
      graph.addInitializer(floats("weight", identity, shape));
      graph.addNode(
          NodeProto.newBuilder()
              .setOpType("Conv")
              .setName("conv")
              .addAllInput(List.of("x", "weight"))
              .addOutput("h"));
      input = "h";
    }
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("BatchNormalization")
            .setName("bn")
            .addAllInput(List.of(input, "gamma", "beta", "mean", "variance"))
            .addOutput("y")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("epsilon")
                    .setType(AttributeProto.AttributeType.FLOAT)
                    .setF(epsilon)));
    ModelProto proto =
        ModelProto.newBuilder()
            .setIrVersion(4)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
            .setGraph(graph)
            .build();
    return new OneSiteModel(
        gamma, beta, mean, variance, epsilon, OnnxModel.parse(proto.toByteArray(), "one-site"));
  }

  private static ValueInfoProto value(String name, long batch, int channels, long[] spatial) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(
        batch > 0
            ? TensorShapeProto.Dimension.newBuilder().setDimValue(batch)
            : TensorShapeProto.Dimension.newBuilder().setDimParam("batch"));
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(channels));
    for (long size : spatial) {
      shape.addDim(
          size > 0
              ? TensorShapeProto.Dimension.newBuilder().setDimValue(size)
              : TensorShapeProto.Dimension.newBuilder().setDimParam("size"));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(shape)))
        .build();
  }

  static TensorProto floats(String name, float[] values, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long size : shape) {
      tensor.addDims(size);
    }
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }
}
