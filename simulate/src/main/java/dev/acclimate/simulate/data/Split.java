package dev.acclimate.simulate.data;

/** Which part of a data set: what a model learns from, or what it is judged on. */
public enum Split {
  TRAIN,
  TEST
}
