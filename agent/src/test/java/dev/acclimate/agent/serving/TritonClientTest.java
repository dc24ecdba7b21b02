package dev.acclimate.agent.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import triton.client.InferInput;
import triton.client.InferRequestedOutput;
import triton.client.InferResult;
import triton.client.InferenceException;
import triton.client.InferenceServerClient;
import triton.client.pojo.DataType;

/** Asked by a client that others wrote for another server: Triton's Java client, by Alibaba. */
class TritonClientTest {
  private static final int MILLIS = 20_000;

  @TempDir private static Path folder;
  private static RunningAgent agent;
  private static InferenceServerClient client;

  @BeforeAll
  static void start() throws Exception {
    agent = new RunningAgent(folder);
    client = new InferenceServerClient("127.0.0.1:" + agent.port(), MILLIS, MILLIS);
  }

  @AfterAll
  static void stop() throws Exception {
    client.close();
    agent.close();
  }

  private static InferInput input(String name, boolean binary, float... values) {
    InferInput input = new InferInput(name, new long[] {values.length / 2, 2}, DataType.FP32);
    input.setData(values, binary);
    return input;
  }

  @ParameterizedTest
  @CsvSource({"true,true", "true,false", "false,true", "false,false"})
  void understandsAnswersInEitherForm(boolean binaryIn, boolean binaryOut) throws Exception {
    InferResult result =
        client.infer(
            "sum",
            List.of(input("a", binaryIn, 1, 2, 3, 4), input("b", binaryIn, 10, 20, 30, 40)),
            List.of(
                new InferRequestedOutput("sum", binaryOut),
                new InferRequestedOutput("difference", binaryOut)));

    assertThat(result.getOutputAsFloat("sum")).containsExactly(11, 22, 33, 44);
    assertThat(result.getOutputAsFloat("difference")).containsExactly(-9, -18, -27, -36);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void isUnderstoodWithIdAndVersionAndTime(boolean binary) throws Exception {
    InferResult result =
        client.infer(
            new InferenceServerClient.InferArguments(
                    "sum", input("a", binary, 1, 2), input("b", binary, 1, 2))
                .setRequestId("camera-7")
                .setModelVersion("1")
                .setTimeout(10_000_000));

    assertThat(result.getResponse().getId()).isEqualTo("camera-7");
    assertThat(result.getResponse().getModelName()).isEqualTo("sum");
    assertThat(result.getOutputAsFloat("sum")).containsExactly(2, 4);
  }

  private static void load(String model) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(agent.uri("/v2/repository/models/" + model + "/load"))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({"int64,true", "int64,false", "int32,true", "int32,false", "fp64,true", "fp64,false"})
  void getsEachTypeBack(String type, boolean binary) throws Exception {
    load("echo-" + type);
    DataType datatype = DataType.valueOf(type.toUpperCase(java.util.Locale.ROOT));
    InferInput input = new InferInput("x", new long[] {1, 2}, datatype);
    switch (datatype) {
      case INT64 -> input.setData(new long[] {Long.MIN_VALUE, 7}, binary);
      case INT32 -> input.setData(new int[] {Integer.MAX_VALUE, -7}, binary);
      default -> input.setData(new double[] {1e-300, -0.1}, binary);
    }

    InferResult result =
        client.infer(
            "echo-" + type, List.of(input), List.of(new InferRequestedOutput("y", binary)));

    switch (datatype) {
      case INT64 -> assertThat(result.getOutputAsLong("y")).containsExactly(Long.MIN_VALUE, 7);
      case INT32 -> assertThat(result.getOutputAsInt("y")).containsExactly(Integer.MAX_VALUE, -7);
      default -> assertThat(result.getOutputAsDouble("y")).containsExactly(1e-300, -0.1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nothing | a | expected a model out of",
        "sum | c | expected names out of [a, b], found"
      })
  void understandsWhatIsWrong(String model, String name, String message) {
    assertThatThrownBy(
            () ->
                client.infer(
                    model,
                    List.of(input(name, true, 1, 2), input("b", true, 1, 2)),
                    List.of(new InferRequestedOutput("sum"))))
        .isInstanceOf(InferenceException.class)
        .hasMessageContaining(message);
  }
}
