package dev.acclimate.streams.feedback;

/** Is told, once a label has come, which of two models' answers to a sample were right. */
@FunctionalInterface
public interface AnswerComparison {
  /** A label has come; called on the thread that reads labels, or that commits answers. */
  void compared(boolean adaptedRight, boolean frozenRight);
}
