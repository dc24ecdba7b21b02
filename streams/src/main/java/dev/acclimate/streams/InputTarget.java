package dev.acclimate.streams;

import java.nio.ByteBuffer;

/** Where the inputs of a request go that is being decoded. */
interface InputTarget {
  /**
   * Makes room for an input.
   *
   * @param shape of the input's rank, no size negative
   * @param about the field, for messages
   * @throws InvalidRecordException when the model does not take this shape
   * @throws NoRoomException when the input would fit an emptier target
   */
  void place(int input, long[] shape, String about) throws InvalidRecordException, NoRoomException;

  /** The buffer that an input is written to, in native order. */
  ByteBuffer buffer(int input);

  /** Where the input starts in it. */
  int offset(int input);

  /** Entries of the inputs along their first axis, 1 where they have none. */
  int samples();
}
