package dev.acclimate.agent.admin;

/** Is told what happens to models. */
public interface ModelEvents {
  /** Something happened to a model. */
  void event(String model, String what, String why);

  /** A model answers no more. */
  void gone(String model);
}
