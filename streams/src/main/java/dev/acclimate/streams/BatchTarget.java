package dev.acclimate.streams;

import dev.acclimate.models.TensorInfo;
import java.nio.ByteBuffer;

/** Puts a request's samples behind those that an {@link InputBatch} holds. */
final class BatchTarget implements InputTarget {
  private final InputBatch batch;
  private int samples = -1;

  BatchTarget(InputBatch batch) {
    this.batch = batch;
  }

  @Override
  public void place(int input, long[] shape, String about)
      throws InvalidRecordException, NoRoomException {
    TensorInfo info = batch.input(input);
    boolean accepted = shape[0] > 0;
    for (int axis = 1; accepted && axis < shape.length; axis++) {
      accepted = shape[axis] == info.dimensions().get(axis).size();
    }
    if (!accepted) {
      throw RequestDecoder.wrongShape(about, info, shape);
    }
    if (shape[0] > batch.capacity()) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_SHAPE,
          about + "expected at most " + batch.capacity() + " samples a record, found " + shape[0]);
    }
    if (samples >= 0 && samples != shape[0]) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_SHAPE,
          about + "expected " + samples + " samples like the inputs before it, found " + shape[0]);
    }
    samples = (int) shape[0];
    if (samples > batch.room()) {
      throw new NoRoomException();
    }
    batch.reserve(samples);
  }

  @Override
  public ByteBuffer buffer(int input) {
    return batch.buffer(input);
  }

  @Override
  public int offset(int input) {
    return batch.offset(input);
  }

  @Override
  public int samples() {
    return samples;
  }
}
