package dev.acclimate.agent.grpc;

import com.google.protobuf.Message;
import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.InferenceService;
import dev.acclimate.agent.serving.RestApi;
import dev.acclimate.agent.serving.ServingException;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.TensorInfo;
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
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.grpc.common.GrpcMessageDecoder;
import io.vertx.grpc.common.GrpcMessageEncoder;
import io.vertx.grpc.common.GrpcStatus;
import io.vertx.grpc.common.ServiceMethod;
import io.vertx.grpc.common.ServiceName;
import io.vertx.grpc.server.GrpcServer;
import io.vertx.grpc.server.GrpcServerOptions;
import io.vertx.grpc.server.GrpcServerRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service {@code inference.GRPCInferenceService}, and of {@code grpc.health.v1.Health} the
 * method {@code Check}. A client that asks to {@code Watch} learns that it is not there and, as
 * that protocol says, does without.
 */
public final class GrpcApi {
  private static final Logger log = LoggerFactory.getLogger(GrpcApi.class);
  private static final ServiceName SERVICE =
      ServiceName.create("inference", "GRPCInferenceService");

  private static final ServiceName HEALTH = ServiceName.create("grpc.health.v1", "Health");

  private final Vertx vertx;
  private final InferenceService service;
  private final GrpcServer server;

  private GrpcApi(Vertx vertx, InferenceService service) {
    this.vertx = vertx;
    this.service = service;
    this.server =
        GrpcServer.server(
            vertx,
            new GrpcServerOptions()
                .setMaxMessageSize(service.config().requestBytes())
                .setScheduleDeadlineAutomatically(false));
  }

  /**
   * The service, to be mounted where requests of content type {@code application/grpc} come.
   *
   * @param ready tells whether the server is
   */
  public static GrpcServer create(Vertx vertx, InferenceService service, BooleanSupplier ready) {
    GrpcApi api = new GrpcApi(vertx, service);
    api.at(
        "ServerLive",
        ServerLiveRequest.getDefaultInstance(),
        request -> now(ServerLiveResponse.newBuilder().setLive(true).build()));
    api.at(
        "ServerReady",
        ServerReadyRequest.getDefaultInstance(),
        request -> now(ServerReadyResponse.newBuilder().setReady(ready.getAsBoolean()).build()));
    api.at("ServerMetadata", ServerMetadataRequest.getDefaultInstance(), request -> metadata());
    api.at("ModelReady", ModelReadyRequest.getDefaultInstance(), api::modelReady);
    api.at("ModelMetadata", ModelMetadataRequest.getDefaultInstance(), api::modelMetadata);
    api.at("RepositoryIndex", RepositoryIndexRequest.getDefaultInstance(), api::index);
    api.at(
        "RepositoryModelLoad",
        RepositoryModelLoadRequest.getDefaultInstance(),
        request ->
            service
                .repository()
                .load(request.getModelName())
                .thenApply(done -> RepositoryModelLoadResponse.getDefaultInstance()));
    api.at(
        "RepositoryModelUnload",
        RepositoryModelUnloadRequest.getDefaultInstance(),
        request ->
            service
                .repository()
                .unload(request.getModelName())
                .thenApply(done -> RepositoryModelUnloadResponse.getDefaultInstance()));
    api.at(
        HEALTH,
        "Check",
        HealthCheckRequest.getDefaultInstance(),
        request -> now(health(request, ready)));
    api.server.callHandler(
        method(SERVICE, "ModelInfer", ModelInferRequest.getDefaultInstance()),
        call -> call.handler(message -> api.answer(call, () -> api.infer(call, message))));
    return api.server;
  }

  private static <I extends Message> ServiceMethod<I, Message> method(
      ServiceName service, String name, I request) {
    return ServiceMethod.server(
        service, name, GrpcMessageEncoder.encoder(), GrpcMessageDecoder.decoder(request));
  }

  private <I extends Message> void at(
      String name, I request, Function<I, CompletableFuture<? extends Message>> handling) {
    at(SERVICE, name, request, handling);
  }

  private <I extends Message> void at(
      ServiceName of,
      String name,
      I request,
      Function<I, CompletableFuture<? extends Message>> handling) {
    server.callHandler(
        method(of, name, request),
        call -> call.handler(message -> answer(call, () -> handling.apply(message))));
  }

  private static <T> CompletableFuture<T> now(T answer) {
    return CompletableFuture.completedFuture(answer);
  }

  /** What answers a call. */
  @FunctionalInterface
  private interface Handling {
    CompletableFuture<? extends Message> start();
  }

  private <I> void answer(GrpcServerRequest<I, Message> call, Handling handling) {
    Context context = vertx.getOrCreateContext();
    CompletableFuture<? extends Message> answer;
    try {
      answer = handling.start();
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    Future.fromCompletionStage(answer, context)
        .onSuccess(message -> call.response().end(message))
        .onFailure(e -> fail(call, e));
  }

  private static void fail(GrpcServerRequest<?, Message> call, Throwable e) {
    Throwable cause = InferenceService.cause(e);
    GrpcStatus status = status(cause);
    String message = String.valueOf(cause.getMessage());
    if (status == GrpcStatus.INTERNAL && !(cause instanceof ServingException)) {
      log.error("answering {}", call.methodName(), cause);
      message = "an error of the server's own; its log tells more";
    }
    var unused = call.response().status(status).statusMessage(message).end();
  }

  private static GrpcStatus status(Throwable e) {
    if (!(e instanceof ServingException refusal)) {
      return e instanceof IllegalArgumentException
          ? GrpcStatus.INVALID_ARGUMENT
          : GrpcStatus.INTERNAL;
    }
    return switch (refusal.kind()) {
      case INVALID, MEDIA -> GrpcStatus.INVALID_ARGUMENT;
      case NOT_FOUND -> GrpcStatus.NOT_FOUND;
      case TOO_LARGE, BUSY -> GrpcStatus.RESOURCE_EXHAUSTED;
      case UNAVAILABLE, UPSTREAM -> GrpcStatus.UNAVAILABLE;
      case LATE, SLOW -> GrpcStatus.DEADLINE_EXCEEDED;
      case FAILED, LOOP -> GrpcStatus.INTERNAL;
    };
  }

  private static CompletableFuture<ServerMetadataResponse> metadata() {
    return now(
        ServerMetadataResponse.newBuilder()
            .setName("acclimate")
            .setVersion(RestApi.serverVersion())
            .addExtensions("model_repository")
            .build());
  }

  /** Of the server, by no name, or of its service; a server is as ready as that is. */
  private static HealthCheckResponse health(HealthCheckRequest request, BooleanSupplier ready) {
    String name = request.getService();
    if (!name.isEmpty() && !name.equals(SERVICE.fullyQualifiedName())) {
      throw new ServingException(
          ServingException.Kind.NOT_FOUND,
          "service: expected none or " + SERVICE.fullyQualifiedName() + ", found another");
    }
    return HealthCheckResponse.newBuilder()
        .setStatus(
            ready.getAsBoolean()
                ? HealthCheckResponse.ServingStatus.SERVING
                : HealthCheckResponse.ServingStatus.NOT_SERVING)
        .build();
  }

  private static @Nullable String version(String text) {
    return text.isEmpty() ? null : text;
  }

  private CompletableFuture<ModelReadyResponse> modelReady(ModelReadyRequest request) {
    boolean ready = service.isReady(request.getName(), version(request.getVersion()));
    return now(ModelReadyResponse.newBuilder().setReady(ready).build());
  }

  private CompletableFuture<ModelMetadataResponse> modelMetadata(ModelMetadataRequest request) {
    InferenceModel model =
        service.repository().model(request.getName(), version(request.getVersion()));
    return now(
        ModelMetadataResponse.newBuilder()
            .setName(model.name())
            .addVersions(model.version())
            .setPlatform(RestApi.PLATFORM)
            .addAllInputs(tensors(model.inputs()))
            .addAllOutputs(tensors(model.outputs()))
            .build());
  }

  private static List<ModelMetadataResponse.TensorMetadata> tensors(List<TensorInfo> infos) {
    List<ModelMetadataResponse.TensorMetadata> tensors = new ArrayList<>();
    for (TensorInfo info : infos) {
      tensors.add(
          ModelMetadataResponse.TensorMetadata.newBuilder()
              .setName(info.name())
              .setDatatype(info.type().name())
              .addAllShape(info.dimensions().stream().map(Dimension::size).toList())
              .build());
    }
    return tensors;
  }

  private CompletableFuture<RepositoryIndexResponse> index(RepositoryIndexRequest request) {
    return vertx
        .executeBlocking(() -> service.repository().index(request.getReady()), false)
        .map(
            entries -> {
              RepositoryIndexResponse.Builder index = RepositoryIndexResponse.newBuilder();
              entries.forEach(
                  entry ->
                      index.addModels(
                          RepositoryIndexResponse.ModelIndex.newBuilder()
                              .setName(entry.name())
                              .setVersion(entry.version())
                              .setState(entry.state())
                              .setReason(entry.reason())));
              return index.build();
            })
        .toCompletionStage()
        .toCompletableFuture();
  }

  private CompletableFuture<ModelInferResponse> infer(
      GrpcServerRequest<ModelInferRequest, Message> call, ModelInferRequest message) {
    Duration timeout = call.timeout() > 0 ? Duration.ofMillis(call.timeout()) : null;
    String stream = call.headers().get(RestApi.STREAM_HEADER);
    Context loop = vertx.getOrCreateContext();
    return service.infer(
        new InferenceService.Call(
            message.getModelName(),
            version(message.getModelVersion()),
            null,
            stream,
            timeout,
            task -> loop.runOnContext(now -> task.run())),
        message.getSerializedSize(),
        new GrpcForm(message, call.headers()));
  }
}
