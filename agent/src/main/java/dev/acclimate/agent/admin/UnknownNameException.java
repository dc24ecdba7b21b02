package dev.acclimate.agent.admin;

import dev.acclimate.models.InvalidInputException;

/** There is no model or snapshot of that name. */
final class UnknownNameException extends InvalidInputException {
  private static final long serialVersionUID = 1;

  UnknownNameException(String message) {
    super(message);
  }
}
