package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.upstream.HttpAnswer;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.InferenceResponse;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestDecoder;
import dev.acclimate.streams.RequestTensors;
import dev.acclimate.streams.ResponseEncoder;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.List;

/**
 * A request in the protocol's JSON or binary form.
 *
 * @param maxBytes that are still looked at
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
record HttpForm(MultiMap headers, byte[] content, int maxBytes) implements RequestForm<HttpAnswer> {

  @Override
  public InferenceRequest read(InferenceModel model, RequestTensors tensors)
      throws InvalidRecordException {
    return new RequestDecoder(model.inputs(), model.outputs(), maxBytes)
        .decode(content, headers.get(RestApi.HEADER_LENGTH), tensors);
  }

  @Override
  public HttpAnswer write(InferenceRequest request, InferenceModel model, List<OutputSlice> slices)
      throws InvalidRecordException {
    InferenceResponse response =
        new ResponseEncoder(model.outputs(), model.name(), model.version())
            .encode(request, slices, request::wantsBinary);
    MultiMap said = MultiMap.caseInsensitiveMultiMap();
    if (response.binary()) {
      said.add("content-type", "application/octet-stream");
      said.add(RestApi.HEADER_LENGTH, Integer.toString(response.headerLength()));
    } else {
      said.add("content-type", "application/json");
    }
    return new HttpAnswer(200, said, Buffer.buffer(response.value()));
  }

  @Override
  public boolean passes() {
    return true;
  }

  @Override
  public Buffer body() {
    return Buffer.buffer(content);
  }

  @Override
  public HttpAnswer handOn(HttpAnswer answer) {
    return answer;
  }
}
