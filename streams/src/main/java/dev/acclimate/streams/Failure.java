package dev.acclimate.streams;

import java.util.List;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApplicationRecoverableException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TransactionAbortableException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** Sorts what can go wrong in a turn of the loop by what the processor does about it. */
enum Failure {
  /** The cluster or the group is busy: roll back and try again for as long as it takes. */
  RETRIABLE,
  /** Another producer took over the transactional id: take it back, unless that goes on. */
  FENCED,
  /** The brokers do not offer the group protocol that was asked for. */
  OLD_BROKERS,
  /** Another member took this one's place in the group. */
  DISPLACED,
  /** Kafka does not say: roll back and try again a few times. */
  UNKNOWN,
  /** Trying again does not mend it. */
  FATAL;

  private static final List<Class<? extends Throwable>> FATAL_KINDS =
      List.of(
          InvalidConfigurationException.class, // authorization among others
          AuthenticationException.class,
          UnsupportedVersionException.class,
          InvalidTopicException.class,
          RecordTooLargeException.class,
          NoOffsetForPartitionException.class,
          InterruptException.class);

  private static final List<Class<? extends Throwable>> RETRIABLE_KINDS =
      List.of(
          RetriableException.class,
          TransactionAbortableException.class,
          CommitFailedException.class,
          RebalanceInProgressException.class,
          ApplicationRecoverableException.class);

  static Failure of(Throwable thrown) {
    if (!(thrown instanceof KafkaException || thrown.getCause() instanceof KafkaException)) {
      return FATAL;
    }
    if (thrown instanceof UnsupportedVersionException
        && String.valueOf(thrown.getMessage()).contains("group protocol")) {
      return OLD_BROKERS;
    }
    if (causedBy(thrown, FATAL_KINDS)) {
      return FATAL;
    }
    if (causedBy(thrown, List.of(FencedInstanceIdException.class))) {
      return DISPLACED;
    }
    if (causedBy(
        thrown, List.of(ProducerFencedException.class, InvalidProducerEpochException.class))) {
      return FENCED;
    }
    return causedBy(thrown, RETRIABLE_KINDS) ? RETRIABLE : UNKNOWN;
  }

  private static boolean causedBy(Throwable thrown, List<Class<? extends Throwable>> kinds) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      for (Class<? extends Throwable> kind : kinds) {
        if (kind.isInstance(t)) {
          return true;
        }
      }
    }
    return false;
  }
}
