package dev.acclimate.agent.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** An agent in a process of its own, on a free port, as its users run it. */
public final class ServerProcess implements AutoCloseable {
  private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:(\\d+)/");
  private static final Pattern HEAP =
      Pattern.compile("(?m)^jvm_memory_used_bytes\\{[^}]*area=\"heap\"[^}]*} (\\S+)$");
  private static final Pattern RESIDENT = Pattern.compile("(?m)^VmRSS:\\s*(\\d+) kB$");
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int LAST_LINES = 20;

  private final Process process;
  private final Deque<String> lastLines = new ArrayDeque<>();
  private final CompletableFuture<Integer> port = new CompletableFuture<>();
  private final HttpClient http = HttpClient.newHttpClient();
  private final Thread shutdown;

  private ServerProcess(Process process) {
    this.process = process;
    this.shutdown = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(shutdown);
    Thread reader = new Thread(this::read, "acclimate-server-output");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Starts an agent and waits until it listens.
   *
   * @param program the agent's command line
   * @param jvm options such as {@code -Xmx256m}
   * @param config its configuration, with {@code http.port} 0 on the loopback address
   * @throws IllegalStateException when it does not start
   */
  public static ServerProcess start(Class<?> program, List<String> jvm, Path config) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.addAll(List.of(program.getName(), "run", "--config", config.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    // not as an option: ONNX Runtime 1.29.0 crashes where the command line is longer than 4 KB
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    ServerProcess server;
    try {
      server = new ServerProcess(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException("starting a server", e);
    }
    try {
      server.port.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      return server;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw server.failed("interrupted");
    } catch (ExecutionException e) {
      throw server.failed("it ended");
    } catch (TimeoutException e) {
      throw server.failed("it did not listen within " + PATIENCE.toSeconds() + " s");
    }
  }

  private IllegalStateException failed(String why) {
    close();
    synchronized (lastLines) {
      return new IllegalStateException(
          "the server did not start: " + why + "\n" + String.join("\n", lastLines));
    }
  }

  private void read() {
    try (BufferedReader output = process.inputReader()) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        Matcher address = ADDRESS.matcher(line);
        if (address.find()) {
          port.complete(Integer.parseInt(address.group(1)));
        }
        synchronized (lastLines) {
          lastLines.add(line);
          if (lastLines.size() > LAST_LINES) {
            lastLines.remove();
          }
        }
      }
    } catch (IOException e) {
      port.completeExceptionally(e); // it was closed
    }
    port.completeExceptionally(new IllegalStateException("end of output"));
  }

  /** Where it listens. */
  public int port() {
    return port.join();
  }

  /** Bytes of its heap that are in use, garbage that was not collected yet included. */
  public long heapBytes() {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + "/metrics"))
            .timeout(PATIENCE)
            .build();
    try {
      String text = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
      return (long)
          HEAP.matcher(text).results().mapToDouble(one -> Double.parseDouble(one.group(1))).sum();
    } catch (IOException e) {
      throw new UncheckedIOException("asking the server for its metrics", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Bytes that it has resident, native memory included; empty where the system does not tell. */
  public OptionalLong residentBytes() {
    @Nullable String status;
    try {
      status = Files.readString(Path.of("/proc", Long.toString(process.pid()), "status"));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
    Matcher found = RESIDENT.matcher(status);
    return found.find()
        ? OptionalLong.of(Long.parseLong(found.group(1)) << 10)
        : OptionalLong.empty();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      Runtime.getRuntime().removeShutdownHook(shutdown);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    } catch (IllegalStateException e) {
      process.destroyForcibly(); // this JVM ends, and its hook does the same
    }
  }
}
