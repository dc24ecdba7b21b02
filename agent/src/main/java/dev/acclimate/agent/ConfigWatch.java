package dev.acclimate.agent;

import dev.acclimate.agent.serving.ServingConfig;
import dev.acclimate.agent.upstream.UpstreamConfig;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.StreamConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets an agent follow its configuration file and its model file. Either is taken up when two looks
 * in a row find the same, so that a file which is being written has no effect; and once, so that
 * one that is refused is complained of once. A change of the model, its name, version, method or
 * how it runs makes the agent switch; other changes wait for a restart, which a warning says.
 */
final class ConfigWatch implements AutoCloseable {
  /** From a change to its effect pass two of these at most, and the loading of the model. */
  static final Duration PERIOD = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(ConfigWatch.class);

  private final Path file;
  private final ScheduledExecutorService executor =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "acclimate-config");
            thread.setDaemon(true);
            return thread;
          });

  // What follows belongs to the executor's thread once it has started.
  private AgentConfig known;
  private ModelFile loaded;
  private @Nullable Look last;
  private @Nullable Look handled;

  /**
   * A watch that does not look yet.
   *
   * @param known what the agent starts with, read from {@code file} before it loads its model
   */
  ConfigWatch(Path file, AgentConfig known) {
    this.file = file;
    this.known = known;
    this.loaded = ModelFile.at(known.model().file());
  }

  /** A model file's version; its size and time are those of no file where there is none. */
  private record ModelFile(Path path, long bytes, FileTime changed, @Nullable Object identity) {
    static ModelFile at(Path path) {
      try {
        BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
        return new ModelFile(path, found.size(), found.lastModifiedTime(), found.fileKey());
      } catch (IOException e) {
        return new ModelFile(path, -1, FileTime.fromMillis(0), null);
      }
    }
  }

  /** What one look found. */
  private record Look(String text, ModelFile model) {}

  void start(Agent agent, Duration period) {
    var unused =
        executor.scheduleWithFixedDelay(
            () -> look(agent), period.toMillis(), period.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void look(Agent agent) {
    try {
      Look now = new Look(text(), ModelFile.at(known.model().file()));
      boolean settled = now.equals(last);
      last = now;
      if (settled && !now.equals(handled)) {
        handled = now;
        take(agent);
      }
    } catch (RuntimeException e) {
      log.error("{}: {}; still answering with {}", file, e.getMessage(), agent.model());
      log.debug("taking up {}", file, e);
    }
  }

  /** The file's text; that of no configuration where it cannot be read. */
  private String text() {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  private void take(Agent agent) {
    AgentConfig read;
    try {
      read = AgentConfig.read(file);
    } catch (InvalidInputException e) {
      // names the file
      log.error("{}; still answering with {}", e.getMessage(), agent.model());
      return;
    }
    List<String> waiting = waiting(known, read);
    if (!waiting.isEmpty()) {
      log.warn("{}: changes of {} take effect after a restart", file, String.join(", ", waiting));
    }
    ModelFile present = ModelFile.at(read.model().file());
    boolean changed = !read.model().equals(known.model()) || !present.equals(loaded);
    known = read;
    loaded = present;
    if (changed) {
      switchTo(agent, read.model());
    }
  }

  private static void switchTo(Agent agent, AgentConfig.Model model) {
    try {
      agent.switchTo(model).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /** The sections that differ in what a running agent cannot take up. */
  private static List<String> waiting(AgentConfig before, AgentConfig after) {
    List<String> sections = new ArrayList<>();
    if (!Objects.equals(before.http(), after.http())) {
      sections.add("http");
    }
    if (!Objects.equals(before.feedback(), after.feedback())) {
      sections.add("feedback");
    }
    if (!Objects.equals(upstream(before), upstream(after))) {
      sections.add("upstream");
    }
    StreamConfig old = before.stream();
    StreamConfig now = after.stream();
    if (old == null || now == null) {
      if (!Objects.equals(old, now)) {
        sections.add("kafka");
      }
      return sections;
    }
    if (!old.batching().equals(now.batching())) {
      sections.add("batch");
    }
    if (!old.states().equals(now.states())) {
      sections.add("scope and states");
    }
    StreamConfig asNow =
        old.withBatching(now.batching())
            .withStates(now.states())
            .withModel(now.modelName(), now.modelVersion());
    if (!asNow.equals(now)) {
      sections.add("kafka");
    }
    return sections;
  }

  private static @Nullable UpstreamConfig upstream(AgentConfig config) {
    ServingConfig serving = config.serving();
    return serving == null ? null : serving.upstream();
  }

  /** Looks no more. */
  @Override
  public void close() {
    executor.shutdownNow();
  }
}
