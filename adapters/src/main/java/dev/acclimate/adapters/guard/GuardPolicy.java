package dev.acclimate.adapters.guard;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.Locale;

/**
 * What a {@link Guard} does and when.
 *
 * @param action how far it goes where adaptation does harm
 * @param checkEvery while all is well, the frozen model is asked on every so many batches at most;
 *     a sign of trouble asks it at once
 * @param window samples over which the expected gain is averaged, exponentially
 * @param returnGain expected gain above which adapted answers go out, as a rate
 * @param fallGain expected gain below which they no longer do
 * @param collapse part of the frozen model's effective classes below which the adapted ones count
 *     as collapsed
 * @param evidence natural logarithm of the odds at which labels settle the matter
 * @param snapshots good states that are kept
 * @param snapshotBytes what they may take
 */
public record GuardPolicy(
    Action action,
    int checkEvery,
    int window,
    double returnGain,
    double fallGain,
    double collapse,
    double evidence,
    int snapshots,
    long snapshotBytes) {
  public static final GuardPolicy DEFAULT =
      new GuardPolicy(Action.ROLLBACK, 16, 128, 0.008, 0, 0.5, Math.log(20), 4, 64L << 20);

  /** No guard. */
  public static final GuardPolicy NONE = DEFAULT.with(Action.OFF);

  /** How far a guard goes. Each does what those before it do. */
  public enum Action {
    /** Nothing is watched. */
    OFF,
    /** The frozen model answers; the state goes on. */
    FROZEN,
    /** The state takes nothing in for a while either. */
    HOLD,
    /** The state goes back to the last good one. */
    ROLLBACK;

    /**
     * Finds an action by its name in lower case.
     *
     * @throws InvalidInputException when there is none
     */
    public static Action parse(String text) {
      return Arrays.stream(values())
          .filter(action -> action.toString().equals(text))
          .findFirst()
          .orElseThrow(
              () ->
                  new InvalidInputException(
                      "expected one of off, frozen, hold, rollback, found '" + text + "'"));
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public GuardPolicy {
    require(checkEvery >= 1, "check-every", "at least 1", checkEvery);
    require(window >= 8, "window", "at least 8 samples", window);
    require(Math.abs(returnGain) <= 1, "return-gain", "-1 to 1", returnGain);
    require(
        fallGain >= -1 && fallGain <= returnGain,
        "fall-gain",
        "-1 to return-gain (" + returnGain + ")",
        fallGain);
    require(collapse >= 0 && collapse <= 1, "collapse", "0 to 1", collapse);
    require(evidence > 0 && evidence < 100, "evidence", "above 0, below 100", evidence);
    require(snapshots >= 1, "snapshots", "at least 1", snapshots);
    require(snapshotBytes >= 0, "snapshot-memory", "a size", (double) snapshotBytes);
  }

  private static void require(boolean holds, String key, String expected, double found) {
    if (!holds) { // NaN too
      throw new InvalidInputException(
          "guard: %s: expected %s, found %s".formatted(key, expected, found));
    }
  }

  /** The same with another action. */
  public GuardPolicy with(Action other) {
    return new GuardPolicy(
        other,
        checkEvery,
        window,
        returnGain,
        fallGain,
        collapse,
        evidence,
        snapshots,
        snapshotBytes);
  }

  /** False where nothing is watched. */
  public boolean watches() {
    return action != Action.OFF;
  }
}
