package dev.acclimate.streams.journal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SnapshotPolicyTest {
  private static final long COST = 1 << 20;

  @Test
  void countsBatchesWhereANumberIsGiven() {
    SnapshotPolicy policy = new SnapshotPolicy(3);
    policy.ran(1L << 40, 1L << 40);
    policy.ran(1, 1);
    assertThat(policy.isDue(0)).isFalse();
    policy.ran(1, 1);
    assertThat(policy.isDue(Long.MAX_VALUE)).isTrue();

    policy.taken();

    assertThat(policy.isDue(0)).isFalse();
  }

  @Test
  void isDueWhenTheInputOutweighsTheSnapshots() {
    SnapshotPolicy policy = new SnapshotPolicy(0);
    long enough = SnapshotPolicy.INPUT_PER_STATE_BYTE * COST;

    policy.ran(enough - 1, 0);
    assertThat(policy.isDue(COST)).isFalse();
    policy.ran(1, 0);
    assertThat(policy.isDue(COST)).isTrue();
    assertThat(policy.isDue(COST + 1)).isFalse();
  }

  @Test
  void isNotDueAllTheTimeWhereStatesAreTiny() {
    SnapshotPolicy policy = new SnapshotPolicy(0);
    policy.ran(SnapshotPolicy.INPUT_PER_STATE_BYTE, 0);

    assertThat(policy.isDue(0)).isFalse();
    assertThat(policy.isDue(1)).isFalse();
  }

  @Test
  void isDueBeforeAReplayTakesLong() {
    SnapshotPolicy policy = new SnapshotPolicy(0);
    long most = (long) (SnapshotPolicy.MAX_REPLAY_SECONDS * 1e9);

    policy.ran(1, most - 1);
    assertThat(policy.isDue(COST)).isFalse();
    policy.ran(1, 1);
    assertThat(policy.isDue(Long.MAX_VALUE / 64)).isTrue();

    policy.taken();

    assertThat(policy.isDue(COST)).isFalse();
  }

  @Test
  void isDueBeforeTheSlotsOfBoundariesRunOut() {
    SnapshotPolicy policy = new SnapshotPolicy(0);
    for (int i = 0; i < 1000; i++) {
      assertThat(policy.isDue(COST)).isFalse();
      policy.ran(0, 0);
    }

    assertThat(policy.isDue(COST)).isTrue();
  }
}
