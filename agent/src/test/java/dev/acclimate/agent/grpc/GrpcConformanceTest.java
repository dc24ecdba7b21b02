package dev.acclimate.agent.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.acclimate.agent.serving.RunningAgent;
import inference.InferParameter;
import inference.InferTensorContents;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import inference.ModelMetadataRequest;
import inference.ModelMetadataResponse;
import inference.ModelReadyRequest;
import inference.ModelReadyResponse;
import inference.RepositoryIndexRequest;
import inference.RepositoryIndexResponse;
import inference.RepositoryModelLoadRequest;
import inference.RepositoryModelLoadResponse;
import inference.RepositoryModelUnloadRequest;
import inference.RepositoryModelUnloadResponse;
import inference.ServerLiveRequest;
import inference.ServerLiveResponse;
import inference.ServerMetadataRequest;
import inference.ServerMetadataResponse;
import inference.ServerReadyRequest;
import inference.ServerReadyResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The protocol over gRPC, asked by grpc-java, a client that is not ours. */
class GrpcConformanceTest {
  @TempDir private static Path folder;
  private static RunningAgent agent;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() throws IOException {
    agent = new RunningAgent(folder);
    channel = NettyChannelBuilder.forAddress("127.0.0.1", agent.port()).usePlaintext().build();
  }

  @AfterAll
  static void stop() {
    channel.shutdownNow();
    agent.close();
  }

  private static <I extends Message, O extends Message> O call(
      String method, I request, O answer, CallOptions options) {
    return callFully("inference.GRPCInferenceService/" + method, request, answer, options);
  }

  private static <I extends Message, O extends Message> O callFully(
      String method, I request, O answer, CallOptions options) {
    @SuppressWarnings("unchecked")
    MethodDescriptor<I, O> descriptor =
        MethodDescriptor.<I, O>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(method)
            .setRequestMarshaller(ProtoUtils.marshaller((I) request.getDefaultInstanceForType()))
            .setResponseMarshaller(ProtoUtils.marshaller(answer))
            .build();
    return ClientCalls.blockingUnaryCall(channel, descriptor, options, request);
  }

  private static <I extends Message, O extends Message> O call(String method, I request, O answer) {
    return call(
        method, request, answer, CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS));
  }

  private static ModelInferResponse infer(ModelInferRequest request) {
    return call("ModelInfer", request, ModelInferResponse.getDefaultInstance());
  }

  private static Status refusal(ModelInferRequest.Builder request) {
    return catchThrowableOfType(StatusRuntimeException.class, () -> infer(request.build()))
        .getStatus();
  }

  private static void load(String model) {
    var unused =
        call(
            "RepositoryModelLoad",
            RepositoryModelLoadRequest.newBuilder().setModelName(model).build(),
            RepositoryModelLoadResponse.getDefaultInstance());
  }

  private static ModelInferRequest.InferInputTensor.Builder input(
      String name, String type, long... shape) {
    ModelInferRequest.InferInputTensor.Builder input =
        ModelInferRequest.InferInputTensor.newBuilder().setName(name).setDatatype(type);
    for (long size : shape) {
      input.addShape(size);
    }
    return input;
  }

  private static ModelInferRequest.InferInputTensor.Builder floats(String name, float... values) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    for (float value : values) {
      contents.addFp32Contents(value);
    }
    return input(name, "FP32", values.length / 2, 2).setContents(contents);
  }

  private static ModelInferRequest.Builder sum() {
    return ModelInferRequest.newBuilder()
        .setModelName("sum")
        .addInputs(floats("a", 1, 2))
        .addInputs(floats("b", 10, 20));
  }

  private static ByteString raw(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return ByteString.copyFrom(bytes.flip());
  }

  @Test
  void tellsOfItselfAndItsModels() {
    assertThat(
            call(
                    "ServerLive",
                    ServerLiveRequest.getDefaultInstance(),
                    ServerLiveResponse.getDefaultInstance())
                .getLive())
        .isTrue();
    assertThat(
            call(
                    "ServerReady",
                    ServerReadyRequest.getDefaultInstance(),
                    ServerReadyResponse.getDefaultInstance())
                .getReady())
        .isTrue();
    ServerMetadataResponse server =
        call(
            "ServerMetadata",
            ServerMetadataRequest.getDefaultInstance(),
            ServerMetadataResponse.getDefaultInstance());
    assertThat(server.getName()).isEqualTo("acclimate");
    assertThat(server.getExtensionsList()).containsExactly("model_repository");
    ModelMetadataResponse model =
        call(
            "ModelMetadata",
            ModelMetadataRequest.newBuilder().setName("sum").setVersion("1").build(),
            ModelMetadataResponse.getDefaultInstance());
    assertThat(model.getPlatform()).isEqualTo("onnxruntime_onnx");
    assertThat(model.getInputsList())
        .extracting(ModelMetadataResponse.TensorMetadata::getName)
        .containsExactly("a", "b");
    assertThat(model.getOutputs(0).getDatatype()).isEqualTo("FP32");
    assertThat(model.getOutputs(0).getShapeList()).containsExactly(-1L, 2L);
  }

  @Test
  void answersTypedContentsWithTypedContents() {
    ModelInferResponse response = infer(sum().setId("7").build());

    assertThat(response.getModelName()).isEqualTo("sum");
    assertThat(response.getModelVersion()).isEqualTo("1");
    assertThat(response.getId()).isEqualTo("7");
    assertThat(response.getOutputsList())
        .extracting(ModelInferResponse.InferOutputTensor::getName)
        .containsExactly("sum", "difference");
    assertThat(response.getOutputs(0).getShapeList()).containsExactly(1L, 2L);
    assertThat(response.getOutputs(0).getContents().getFp32ContentsList())
        .containsExactly(11f, 22f);
    assertThat(response.getOutputs(1).getContents().getFp32ContentsList())
        .containsExactly(-9f, -18f);
    assertThat(response.getRawOutputContentsCount()).isZero();
  }

  @Test
  void answersRawContentsWithRawContents() {
    ModelInferResponse response =
        infer(
            ModelInferRequest.newBuilder()
                .setModelName("sum")
                .setModelVersion("1")
                .addInputs(input("a", "FP32", 1, 2))
                .addInputs(input("b", "FP32", 1, 2))
                .addRawInputContents(raw(1, 2))
                .addRawInputContents(raw(10, 20))
                .putParameters("stream", InferParameter.newBuilder().setStringParam("s").build())
                .addOutputs(
                    ModelInferRequest.InferRequestedOutputTensor.newBuilder().setName("difference"))
                .build());

    assertThat(response.getOutputsList()).hasSize(1);
    assertThat(response.getOutputs(0).getName()).isEqualTo("difference");
    assertThat(response.getOutputs(0).hasContents()).isFalse();
    assertThat(response.getRawOutputContentsList()).containsExactly(raw(-9, -18));
  }

  @Test
  void carriesEveryTypedDatatype() {
    for (var typed :
        List.of(
            input("x", "BOOL", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder().addBoolContents(true).addBoolContents(false)),
            input("x", "INT8", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder().addIntContents(-128).addIntContents(127)),
            input("x", "INT16", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder().addIntContents(-32768).addIntContents(32767)),
            input("x", "INT32", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder()
                        .addIntContents(Integer.MIN_VALUE)
                        .addIntContents(Integer.MAX_VALUE)),
            input("x", "INT64", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder()
                        .addInt64Contents(Long.MIN_VALUE)
                        .addInt64Contents(Long.MAX_VALUE)),
            input("x", "UINT8", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder().addUintContents(0).addUintContents(255)),
            input("x", "FP32", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder().addFp32Contents(0.1f).addFp32Contents(-2)),
            input("x", "FP64", 1, 2)
                .setContents(
                    InferTensorContents.newBuilder().addFp64Contents(0.1).addFp64Contents(-2)))) {
      String model = "echo-" + typed.getDatatype().toLowerCase(java.util.Locale.ROOT);
      load(model);

      ModelInferResponse response =
          infer(ModelInferRequest.newBuilder().setModelName(model).addInputs(typed).build());

      assertThat(response.getOutputs(0).getDatatype()).isEqualTo(typed.getDatatype());
      assertThat(response.getOutputs(0).getContents()).isEqualTo(typed.getContents());
    }
  }

  @Test
  void carriesHalfPrecisionRawOnly() {
    load("echo-fp16");
    ByteString halves = ByteString.copyFrom(new byte[] {0, 0x3e, 0, (byte) 0xc0});
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder()
            .setModelName("echo-fp16")
            .addInputs(input("x", "FP16", 1, 2));

    assertThat(infer(request.clone().addRawInputContents(halves).build()).getRawOutputContents(0))
        .isEqualTo(halves);
    assertThat(refusal(request).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void loadsAndUnloads() {
    ModelReadyRequest ready = ModelReadyRequest.newBuilder().setName("matrix").build();
    assertThat(call("ModelReady", ready, ModelReadyResponse.getDefaultInstance()).getReady())
        .isFalse();

    load("matrix");

    assertThat(call("ModelReady", ready, ModelReadyResponse.getDefaultInstance()).getReady())
        .isTrue();
    RepositoryIndexResponse index =
        call(
            "RepositoryIndex",
            RepositoryIndexRequest.newBuilder().setReady(true).build(),
            RepositoryIndexResponse.getDefaultInstance());
    assertThat(index.getModelsList())
        .extracting(RepositoryIndexResponse.ModelIndex::getName)
        .contains("matrix", "sum")
        .doesNotContain("broken");
    var unused =
        call(
            "RepositoryModelUnload",
            RepositoryModelUnloadRequest.newBuilder().setModelName("matrix").build(),
            RepositoryModelUnloadResponse.getDefaultInstance());
    assertThat(call("ModelReady", ready, ModelReadyResponse.getDefaultInstance()).getReady())
        .isFalse();
    Status status =
        refusal(ModelInferRequest.newBuilder().setModelName("matrix").addInputs(floats("x", 1, 2)));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
  }

  @Test
  void refusesWithTheStatusThatSaysWhy() {
    assertThat(refusal(sum().setModelName("nothing")).getCode()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(refusal(sum().setModelVersion("9")).getCode()).isEqualTo(Status.Code.NOT_FOUND);
    Status twice = refusal(sum().addInputs(floats("b", 1, 2)));
    assertThat(twice.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(twice.getDescription()).isEqualTo("input b: expected once, found a second time");
    for (ModelInferRequest.Builder wrong :
        List.of(
            sum().setInputs(0, floats("c", 1, 2)),
            sum().removeInputs(1),
            sum().setInputs(0, input("a", "INT64", 1, 2)),
            sum().setInputs(0, input("a", "FP32", 1, 3)),
            sum().setInputs(0, input("a", "FP32", -1, 2)),
            sum().setInputs(0, input("a", "FP32", 1L << 40, 2)),
            sum().setInputs(0, input("a", "FP32", 1, 2)),
            sum().setInputs(0, floats("a", Float.NaN, 1)),
            sum().addRawInputContents(raw(1, 2)),
            sum().addRawInputContents(raw(1)).addRawInputContents(raw(1)),
            sum()
                .addOutputs(
                    ModelInferRequest.InferRequestedOutputTensor.newBuilder().setName("none")))) {
      assertThat(refusal(wrong).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }
    Status late =
        refusal(
            sum().putParameters("timeout", InferParameter.newBuilder().setInt64Param(1).build()));
    assertThat(late.getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
  }

  @Test
  void refusesWhatIsTooLarge() {
    Status status = refusal(sum().setId("x".repeat(100_000)));

    assertThat(status.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(infer(sum().build()).getOutputsCount()).isEqualTo(2);
  }

  private static HealthCheckResponse health(String service) {
    return callFully(
        "grpc.health.v1.Health/Check",
        HealthCheckRequest.newBuilder().setService(service).build(),
        HealthCheckResponse.getDefaultInstance(),
        CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS));
  }

  @Test
  void tellsItsHealthAsProbesOfGrpcAskForIt() {
    assertThat(health("").getStatus()).isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
    assertThat(health("inference.GRPCInferenceService").getStatus())
        .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
    assertThat(
            catchThrowableOfType(StatusRuntimeException.class, () -> health("another"))
                .getStatus()
                .getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "shadow", "canary:50%", "active"})
  void answersInFrontOfAnotherServerAsThatDoes(String mode, @TempDir Path front)
      throws IOException {
    ModelInferRequest typed =
        sum()
            .setId("7")
            .putParameters("priority", InferParameter.newBuilder().setInt64Param(3).build())
            .build();
    ModelInferRequest raw =
        ModelInferRequest.newBuilder()
            .setModelName("sum")
            .addInputs(input("a", "FP32", 1, 2))
            .addInputs(input("b", "FP32", 1, 2))
            .addRawInputContents(raw(0.1f, 2))
            .addRawInputContents(raw(10, 20))
            .addOutputs(
                ModelInferRequest.InferRequestedOutputTensor.newBuilder().setName("difference"))
            .build();
    ModelInferResponse directTyped = infer(typed);
    ModelInferResponse directRaw = infer(raw);
    ManagedChannel direct = channel;
    RunningAgent before = RunningAgent.inFrontOf(agent, front, mode);
    channel = NettyChannelBuilder.forAddress("127.0.0.1", before.port()).usePlaintext().build();
    try {
      assertThat(infer(typed)).isEqualTo(directTyped);
      assertThat(infer(raw)).isEqualTo(directRaw);
      assertThat(refusal(sum().removeInputs(1)).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    } finally {
      channel.shutdownNow();
      channel = direct;
      before.close();
    }
  }

  @Test
  void aServerBehindThatGoesIsTold(@TempDir Path other, @TempDir Path front) throws IOException {
    RunningAgent behind = new RunningAgent(other);
    ManagedChannel direct = channel;
    try (RunningAgent before = RunningAgent.inFrontOf(behind, front, "shadow")) {
      behind.close();
      channel = NettyChannelBuilder.forAddress("127.0.0.1", before.port()).usePlaintext().build();

      Status gone = refusal(sum());

      assertThat(gone.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(gone.getDescription()).startsWith("the upstream server cannot be reached");
    } finally {
      channel.shutdownNow();
      channel = direct;
    }
  }
}
