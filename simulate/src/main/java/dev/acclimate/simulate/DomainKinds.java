package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Family;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The ways in which a data set can look, by name: the domains that the set itself holds, and else
 * our corruptions of its clean samples. Samples are read when they are asked for, and then kept: a
 * set of shifted samples needs no clean ones. Not safe for use by several threads.
 */
public final class DomainKinds {
  /** What the clean samples are kept under; no domain's own name is empty. */
  private static final String CLEAN = "";

  private final DataSpec data;
  private final UnaryOperator<ImageSet> part;

  /** Whole sets, shared by all parts of them. */
  private final Map<String, ImageSet> read;

  /** Corruptions can be chained only where they are of the very same samples. */
  private final Map<String, ImageSet> parts = new HashMap<>();

  private DomainKinds(DataSpec data, UnaryOperator<ImageSet> part, Map<String, ImageSet> read) {
    this.data = data;
    this.part = part;
    this.read = read;
  }

  /** Those of a data set. */
  public static DomainKinds of(DataSpec data) {
    return new DomainKinds(data, UnaryOperator.identity(), new HashMap<>());
  }

  /** The same of a part of the samples of each domain, see {@link ImageSet#window}. */
  public DomainKinds window(long from, int samples) {
    return new DomainKinds(data, images -> images.window(from, samples), read);
  }

  /**
   * Reads names separated by commas. {@value Corruption#ALL} stands for all domains that the set
   * itself holds; where it holds none, for all corruptions of images or of series, whichever it is
   * of.
   *
   * @param seed of everything random in corrupted samples
   * @throws InvalidInputException if one is unknown; the message lists those there are
   */
  public List<DomainKind> parse(String names, long seed) {
    List<DomainKind> kinds = new ArrayList<>();
    for (String name : names.split(",", -1)) {
      kinds.addAll(named(name.strip(), seed));
    }
    return List.copyOf(kinds);
  }

  /**
   * Reads one name.
   *
   * @throws InvalidInputException as {@link #parse}, or if the name stands for several
   */
  public DomainKind kind(String name, long seed) {
    List<DomainKind> kinds = parse(name, seed);
    if (kinds.size() != 1) {
      throw new InvalidInputException(
          "domain: expected the name of one, found \"%s\"".formatted(name));
    }
    return kinds.get(0);
  }

  private List<DomainKind> named(String name, long seed) {
    List<String> own = data.domains();
    if (own.contains(name)) {
      return List.of(own(name));
    }
    if (name.equals(Corruption.ALL) && !own.isEmpty()) {
      return own.stream().map(this::own).toList();
    }
    List<Corruption> corruptions = corruptions(name, own);
    return DomainKind.corrupted(clean(), corruptions, seed);
  }

  private List<Corruption> corruptions(String name, List<String> own) {
    // only that word depends on what the samples are; they need not be read for any other
    Family family = name.equals(Corruption.ALL) ? Family.of(clean().values()) : Family.IMAGE;
    try {
      return Corruption.parseList(name, family);
    } catch (InvalidInputException e) {
      if (own.isEmpty()) {
        throw e;
      }
      throw new InvalidInputException(
          "%s, and the data has the domains %s".formatted(e.getMessage(), String.join(", ", own)),
          e);
    }
  }

  private DomainKind own(String name) {
    return DomainKind.own(
        name, severity -> samples(name + " " + severity, () -> data.loadDomain(name, severity)));
  }

  private ImageSet clean() {
    return samples(CLEAN, data::load);
  }

  private ImageSet samples(String key, Supplier<ImageSet> load) {
    return parts.computeIfAbsent(
        key, unseen -> part.apply(read.computeIfAbsent(key, unread -> load.get())));
  }
}
