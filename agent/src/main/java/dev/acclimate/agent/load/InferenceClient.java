package dev.acclimate.agent.load;

import dev.acclimate.agent.serving.RestApi;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import java.util.List;

/** Asks a server one question after another, of those that it was given. Event loop only. */
final class InferenceClient {
  private static final String HOST = "127.0.0.1";
  private static final int GRPC_EXHAUSTED = 8;
  private static final int GRPC_LATE = 4;
  private static final int WINDOW = 8 << 20;

  private final Wire wire;
  private final int port;
  private final String path;
  private final List<Question> questions;
  private final HttpClient client;
  private int next;

  /**
   * A client.
   *
   * @param connections at most; requests beyond wait for one. With gRPC all share one
   */
  InferenceClient(
      Vertx vertx, int port, String model, Wire wire, List<Question> questions, int connections) {
    this.wire = wire;
    this.port = port;
    this.questions = questions;
    HttpClientOptions options = new HttpClientOptions().setIdleTimeout(60);
    if (wire == Wire.GRPC) {
      this.path = "/inference.GRPCInferenceService/ModelInfer";
      options
          .setProtocolVersion(HttpVersion.HTTP_2)
          .setHttp2ClearTextUpgrade(false)
          .setHttp2ConnectionWindowSize(WINDOW);
    } else {
      this.path = "/v2/models/" + model + "/infer";
    }
    this.client = vertx.createHttpClient(options, new PoolOptions().setHttp1MaxSize(connections));
  }

  /** Asks the next question; fails where there is no answer. */
  Future<Reply> ask() {
    Question question = questions.get(next);
    next = (next + 1) % questions.size();
    return client
        .request(HttpMethod.POST, port, HOST, path)
        .compose(request -> headed(request, question).send(question.body().content()))
        .compose(response -> response.body().map(body -> reply(question, response, body)));
  }

  private HttpClientRequest headed(HttpClientRequest request, Question question) {
    if (wire == Wire.GRPC) {
      return request.putHeader("content-type", "application/grpc").putHeader("te", "trailers");
    }
    int headerLength = question.body().headerLength();
    if (headerLength >= 0) {
      request.putHeader(RestApi.HEADER_LENGTH, Integer.toString(headerLength));
    }
    return request.putHeader(
        "content-type", headerLength >= 0 ? "application/octet-stream" : "application/json");
  }

  private Reply reply(Question question, HttpClientResponse response, Buffer body) {
    int status = wire == Wire.GRPC ? grpcStatus(response) : response.statusCode();
    boolean right = status == Reply.OK && isRight(question, response, body);
    // gRPC has no such header: its status says all
    boolean retry = wire == Wire.GRPC || response.getHeader("retry-after") != null;
    return new Reply(status, right, retry);
  }

  private boolean isRight(Question question, HttpClientResponse response, Buffer body) {
    String length = response.getHeader(RestApi.HEADER_LENGTH);
    try {
      float[] found = wire.decode(body, length == null ? -1 : Integer.parseInt(length));
      return question.isAnsweredBy(found);
    } catch (RuntimeException e) {
      return false; // whatever it is, it is not the answer
    }
  }

  private static int grpcStatus(HttpClientResponse response) {
    String status = response.getTrailer("grpc-status");
    if (status == null) {
      status = response.getHeader("grpc-status");
    }
    return switch (status == null ? -1 : Integer.parseInt(status)) {
      case 0 -> Reply.OK;
      case GRPC_EXHAUSTED -> Reply.BUSY;
      case GRPC_LATE -> Reply.LATE;
      default -> 500;
    };
  }

  Future<Void> close() {
    return client.close();
  }
}
