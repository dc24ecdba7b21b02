package dev.acclimate.agent;

import java.io.Console;

/** Whether somebody watches. */
final class Terminal {
  private Terminal() {}

  /** True when input and output are a terminal's, so that a line of progress may be redrawn. */
  @SuppressWarnings("SystemConsoleNull") // what comes since JDK 22 is asked below
  static boolean isWatched() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      // since JDK 22, where there is a console even without a terminal
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }
}
