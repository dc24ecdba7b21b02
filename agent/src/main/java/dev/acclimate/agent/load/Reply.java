package dev.acclimate.agent.load;

import java.util.Set;

/**
 * An answer.
 *
 * @param status of HTTP; gRPC's are translated
 * @param right whether it holds what the model itself gives
 * @param retry whether it says when to come back
 */
record Reply(int status, boolean right, boolean retry) {
  static final int OK = 200;
  static final int BUSY = 503;
  static final int LATE = 504;

  /** What a server under more load than it can carry may answer. */
  static final Set<Integer> EXPECTED = Set.of(OK, BUSY, LATE);
}
