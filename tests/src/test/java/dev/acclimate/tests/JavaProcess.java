package dev.acclimate.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A program in a JVM of its own, to be started, killed and started again. What it prints goes to
 * one log. It does not outlive this JVM.
 */
final class JavaProcess implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int LOG_TAIL = 4000;

  private final Path log;
  private final Class<?> program;
  private final String[] arguments;
  private @Nullable Process process;
  private int logStart;

  JavaProcess(Path log, Class<?> program, String... arguments) {
    this.log = log;
    this.program = program;
    this.arguments = arguments;
  }

  /** What runs a class of this JVM's class path as a program. */
  static ProcessBuilder builder(Class<?> program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // starts sooner: none of these lives long enough to earn back the optimizing compiler
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.add(program.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    // not as an option: ONNX Runtime 1.29.0 crashes where the command line is longer than 4 KB
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    return builder;
  }

  void start() {
    try {
      logStart = log().length();
      Process started =
          builder(program, arguments)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      Runtime.getRuntime().addShutdownHook(new Thread(started::destroyForcibly));
      process = started;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until what was started last has printed {@code text}. */
  void awaitOutput(String text) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (log().indexOf(text, logStart) < 0) {
      requireRunning();
      if (System.nanoTime() > end) {
        throw failure("did not print '" + text + "' in " + PATIENCE.toSeconds() + " s");
      }
      pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Fails, with the end of the log, when the program has ended of itself. */
  void requireRunning() {
    if (!running().isAlive()) {
      throw failure("ended with exit code " + running().exitValue());
    }
  }

  /** Kills as {@code kill -9} does, and waits for the end. */
  void kill() {
    running().destroyForcibly();
    awaitEnd();
  }

  /** Asks to end with SIGTERM, waits for the end, and returns the exit code. */
  int terminate() {
    running().destroy();
    awaitEnd();
    return running().exitValue();
  }

  private void awaitEnd() {
    try {
      if (!running().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw failure("did not end in " + PATIENCE.toSeconds() + " s");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  private Process running() {
    return Objects.requireNonNull(process, "not started");
  }

  /** All that was printed so far, over all starts. */
  private String log() {
    try {
      return Files.exists(log) ? Files.readString(log, StandardCharsets.UTF_8) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private AssertionError failure(String what) {
    String text = log();
    String tail = text.substring(Math.max(0, text.length() - LOG_TAIL));
    return new AssertionError(
        program.getSimpleName() + " " + List.of(arguments) + " " + what + ":\n" + tail);
  }

  @Override
  public void close() {
    if (process != null) {
      kill();
    }
  }
}
