package dev.acclimate.agent.grpc;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.RequestForm;
import dev.acclimate.agent.upstream.HttpAnswer;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestTensors;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request that came over gRPC. A server behind this one is asked it over HTTP. */
record GrpcForm(ModelInferRequest message, MultiMap metadata)
    implements RequestForm<ModelInferResponse> {

  @Override
  public InferenceRequest read(InferenceModel model, RequestTensors tensors)
      throws InvalidRecordException {
    return InferMessages.read(message, model, tensors);
  }

  @Override
  public ModelInferResponse write(
      InferenceRequest request, InferenceModel model, List<OutputSlice> slices) {
    return InferMessages.write(request, model, slices);
  }

  /** Metadata, less what is gRPC's own. */
  @Override
  public MultiMap headers() {
    MultiMap headers = MultiMap.caseInsensitiveMultiMap();
    for (Map.Entry<String, String> header : metadata) {
      String name = header.getKey();
      if (!name.startsWith("grpc-") && !name.startsWith("content-") && !name.endsWith("-bin")) {
        headers.add(name, header.getValue());
      }
    }
    return headers;
  }

  @Override
  public boolean passes() {
    return false;
  }

  @Override
  public @Nullable Buffer body() {
    return null;
  }

  @Override
  public @Nullable ModelInferResponse handOn(HttpAnswer answer) {
    return null;
  }
}
