package dev.acclimate.adapters;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/** ONNX Runtime and nothing of ours between: how anyone else would run a model file. */
final class BareSession implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final Map<String, OnnxTensor> states = new HashMap<>();

  private BareSession(OrtSession session) {
    this.session = session;
  }

  static BareSession open(byte[] model) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      return new BareSession(OrtEnvironment.getEnvironment().createSession(model, options));
    }
  }

  /** Sets an input that stays from run to run. */
  void feed(String input, float[] values, long... shape) throws OrtException {
    OnnxTensor former =
        states.put(input, OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape));
    if (former != null) {
      former.close();
    }
  }

  /** Runs a batch; outputs {@code <name>/next} become the inputs {@code <name>} of the next run. */
  Map<String, float[]> run(String input, Tensor batch) throws OrtException {
    feed(input, batch.toFloatArray(), batch.shape());
    Map<String, float[]> outputs = new HashMap<>();
    try (OrtSession.Result result = session.run(states)) {
      for (Map.Entry<String, ai.onnxruntime.OnnxValue> entry : result) {
        OnnxTensor tensor = (OnnxTensor) entry.getValue();
        FloatBuffer buffer = tensor.getFloatBuffer();
        float[] values = new float[buffer.remaining()];
        buffer.get(values);
        outputs.put(entry.getKey(), values);
        if (entry.getKey().endsWith("/next")) {
          feed(entry.getKey().replaceFirst("/next$", ""), values, tensor.getInfo().getShape());
        }
      }
    }
    return outputs;
  }

  @Override
  public void close() throws OrtException {
    states.values().forEach(OnnxTensor::close);
    session.close();
  }
}
