package dev.acclimate.streams;

/**
 * An encoded Open Inference Protocol response.
 *
 * @param value the record's value or the HTTP body
 * @param headerLength bytes of the JSON header of a binary response, -1 for plain JSON
 */
// the array is handed over to the producer: neither copied nor compared
@SuppressWarnings("ArrayRecordComponent")
public record InferenceResponse(byte[] value, int headerLength) {

  public boolean binary() {
    return headerLength >= 0;
  }
}
