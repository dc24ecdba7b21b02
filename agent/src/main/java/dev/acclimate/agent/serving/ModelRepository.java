package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.ServingException.Kind;
import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models that are served by name: the configured one, and those of a folder that clients load
 * and unload. A folder's model {@code NAME} is {@code NAME.onnx} or {@code NAME/model.onnx} in it;
 * a file that a link leads out of the folder is refused. Thread-safe.
 */
public final class ModelRepository implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ModelRepository.class);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");
  private static final long CLOSE_SECONDS = 15;

  /** Opens a model of the folder. */
  @FunctionalInterface
  public interface Loader {
    /**
     * Loads a model.
     *
     * @throws InvalidInputException when it does not load
     */
    InferenceModel load(Path file, String name);
  }

  /**
   * A line of the index.
   *
   * @param state {@code READY}, or {@code UNAVAILABLE} for a model that is not loaded
   * @param reason why it is not ready; empty where it is
   */
  public record Entry(String name, String version, String state, String reason) {}

  private record Served(BatchQueue queue, boolean configured) {}

  private final ServingConfig config;
  private final Loader loader;
  private final Map<String, Served> ready = new ConcurrentHashMap<>();
  private final Map<String, String> reasons = new ConcurrentHashMap<>();
  private volatile @Nullable Supplier<CompletableFuture<Void>> reload;
  private volatile Consumer<String> gone = name -> {};
  private final ExecutorService loading =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "acclimate-load");
            thread.setDaemon(true); // a model that takes minutes to load holds up no exit
            return thread;
          });

  public ModelRepository(ServingConfig config, Loader loader) {
    this.config = config;
    this.loader = loader;
  }

  /**
   * Tells of models that answer no more.
   *
   * @param listener is told a model's name
   */
  public void onGone(Consumer<String> listener) {
    gone = listener;
  }

  /**
   * Serves the configured model, in the place of the one before it if there is one. It stays its
   * opener's to close; the one before it runs no more when this returns.
   *
   * @param again loads it anew, for clients that ask for that
   */
  public synchronized void serve(InferenceModel model, Supplier<CompletableFuture<Void>> again) {
    reload = again;
    Optional<Served> before = ready.values().stream().filter(Served::configured).findFirst();
    if (before.isPresent() && before.get().queue().model().name().equals(model.name())) {
      before.get().queue().switchTo(model);
      return;
    }
    ready.put(model.name(), new Served(queue(model), true));
    before.ifPresent(
        served -> {
          String name = served.queue().model().name();
          ready.remove(name);
          served.queue().close();
          gone.accept(name);
        });
  }

  private BatchQueue queue(InferenceModel model) {
    return new BatchQueue(model, config.maxBatch(), config.maxDelay());
  }

  /**
   * The queue of a model that is ready.
   *
   * @param version null for whichever is there
   * @throws ServingException when there is none
   */
  BatchQueue queue(String name, @Nullable String version) {
    Served served = ready.get(name);
    if (served == null) {
      if (file(name).isPresent()) {
        throw new ServingException(
            Kind.UNAVAILABLE, "model '" + name + "' is not loaded" + because(name));
      }
      throw unknown(name);
    }
    BatchQueue queue = served.queue();
    if (version != null && !version.equals(queue.model().version())) {
      throw new ServingException(
          Kind.NOT_FOUND,
          "model '"
              + name
              + "': expected version "
              + queue.model().version()
              + ", found '"
              + shortened(version)
              + "'");
    }
    return queue;
  }

  private String because(String name) {
    String reason = reasons.get(name);
    return reason == null ? "" : ": " + reason;
  }

  private ServingException unknown(String name) {
    return new ServingException(
        Kind.NOT_FOUND,
        "expected a model out of "
            + index(false).stream().map(Entry::name).toList()
            + ", found '"
            + shortened(name)
            + "'");
  }

  static String shortened(String text) {
    String plain = text.replaceAll("[\\p{Cc}\\v]+", " ");
    return plain.length() <= 80 ? plain : plain.substring(0, 77) + "...";
  }

  /** The model, where it is ready. */
  public InferenceModel model(String name, @Nullable String version) {
    return queue(name, version).model();
  }

  /** Whether that is the configured model. */
  boolean isConfigured(String name) {
    Served served = ready.get(name);
    return served != null && served.configured();
  }

  /** The models that are ready. */
  public List<InferenceModel> models() {
    return ready.values().stream().map(served -> served.queue().model()).toList();
  }

  /** Requests that wait for a model; none where it is not ready. */
  public int waiting(String name) {
    Served served = ready.get(name);
    return served == null ? 0 : served.queue().waiting();
  }

  /** All models that are ready or could be loaded, by name. */
  public List<Entry> index(boolean readyOnly) {
    Map<String, Entry> entries = new TreeMap<>();
    if (!readyOnly) {
      for (String name : folderNames()) {
        entries.put(
            name, new Entry(name, "", "UNAVAILABLE", reasons.getOrDefault(name, "not loaded")));
      }
    }
    ready.forEach(
        (name, served) ->
            entries.put(name, new Entry(name, served.queue().model().version(), "READY", "")));
    return List.copyOf(entries.values());
  }

  private List<String> folderNames() {
    Path folder = config.models();
    if (folder == null) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      files
          .map(file -> String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", ""))
          .filter(name -> file(name).isPresent())
          .distinct()
          .forEach(names::add);
    } catch (IOException | UncheckedIOException e) {
      log.warn("{}: cannot be listed: {}", folder, e.toString());
    }
    return names;
  }

  /** A model's file in the folder, whether or not it may be read. */
  private Optional<Path> file(String name) {
    Path folder = config.models();
    if (folder == null || !NAME.matcher(name).matches()) {
      return Optional.empty();
    }
    return Stream.of(folder.resolve(name + ".onnx"), folder.resolve(name).resolve("model.onnx"))
        .filter(Files::isRegularFile)
        .findFirst();
  }

  /**
   * Loads a model, anew if it is loaded.
   *
   * @return done when it answers; exceptionally with a {@link ServingException} where it does not
   */
  public CompletableFuture<Void> load(String name) {
    Served served = ready.get(name);
    Supplier<CompletableFuture<Void>> again = reload;
    if (served != null && served.configured() && again != null) {
      return again.get();
    }
    return CompletableFuture.runAsync(() -> loadFromFolder(name), loading);
  }

  private void loadFromFolder(String name) {
    Path file = file(name).orElseThrow(() -> unknown(name));
    InferenceModel model;
    try {
      requireInside(file);
      model = loader.load(file, name);
    } catch (InvalidInputException e) {
      String reason = String.valueOf(e.getMessage());
      reasons.put(name, reason);
      throw new ServingException(Kind.INVALID, "model '" + name + "': " + reason);
    }
    reasons.remove(name);
    Served before = ready.get(name);
    if (before == null) {
      ready.put(name, new Served(queue(model), false));
    } else {
      InferenceModel old = before.queue().model();
      before.queue().switchTo(model);
      old.close();
    }
    log.info("loaded {} from {}", name, file);
  }

  private void requireInside(Path file) {
    try {
      Path folder = Path.of(String.valueOf(config.models())).toRealPath();
      if (!file.toRealPath().startsWith(folder)) {
        throw new InvalidInputException("its file lies outside the folder of models");
      }
    } catch (IOException e) {
      throw new InvalidInputException("its file cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Unloads a model of the folder, after the requests that wait for it.
   *
   * @return done when its memory is free; exceptionally with a {@link ServingException}
   */
  public CompletableFuture<Void> unload(String name) {
    return CompletableFuture.runAsync(() -> unloadNow(name), loading);
  }

  private void unloadNow(String name) {
    Served served = ready.get(name);
    if (served == null) {
      if (file(name).isEmpty()) {
        throw unknown(name);
      }
      return;
    }
    if (served.configured()) {
      throw new ServingException(
          Kind.INVALID,
          "model '" + name + "' is the configured one and stays; stop the server to unload it");
    }
    ready.remove(name);
    close(served);
    gone.accept(name);
    log.info("unloaded {}", name);
  }

  private static void close(Served served) {
    served.queue().close();
    if (!served.configured()) {
      served.queue().model().close();
    }
  }

  /** Answers the requests that wait and closes the models that were loaded from the folder. */
  @Override
  public void close() {
    loading.shutdown();
    try {
      if (!loading.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        log.warn("a model is still being loaded");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ready.values().forEach(ModelRepository::close);
    ready.clear();
  }
}
