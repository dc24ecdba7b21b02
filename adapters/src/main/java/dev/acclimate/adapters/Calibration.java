package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Statistics of source samples at each site of a model, clustered: where {@code
 * unmix-tns[init=calibrated]} starts. Saved as safetensors, one pair of tensors {@code <site>.mean}
 * and {@code <site>.variance} {@code [K, C]} a site.
 */
public final class Calibration {
  private static final String KIND = "kind";
  private static final String KIND_VALUE = "acclimate-calibration";
  private static final String DIGEST = "model_digest";
  private static final String COMPONENTS = "components";

  private final String digest;
  private final int components;
  private final Map<String, SiteComponents> sites;
  private final Map<String, String> provenance;

  Calibration(
      String digest,
      int components,
      Map<String, SiteComponents> sites,
      Map<String, String> provenance) {
    this.digest = digest;
    this.components = components;
    this.sites = new LinkedHashMap<>(sites);
    this.provenance = new TreeMap<>(provenance);
  }

  /** Number of clusters at each site. */
  public int components() {
    return components;
  }

  /** How it was made: samples, grouping, seed. */
  public Map<String, String> provenance() {
    return Map.copyOf(provenance);
  }

  SiteComponents site(String name) {
    SiteComponents site = sites.get(name);
    if (site == null) {
      throw new InvalidInputException(
          "calibration has no site '" + name + "', it has " + sites.keySet());
    }
    return site;
  }

  SiteComponents site(NormalizationSite wanted) {
    SiteComponents site = site(wanted.name());
    int channels = site.mean().length / site.components();
    if (channels != wanted.channels()) {
      throw new InvalidInputException(
          "calibration of site '"
              + wanted.name()
              + "': expected "
              + wanted.channels()
              + " channels, found "
              + channels);
    }
    return site;
  }

  /** Refuses a model or a number of components other than those it was made for. */
  void check(OnnxModel model, int wantedComponents) {
    if (!digest.equals(model.digest())) {
      throw new InvalidInputException(
          "calibration is of another model: expected digest "
              + model.digest()
              + " ("
              + model.name()
              + "), found "
              + digest);
    }
    if (components != wantedComponents) {
      throw new InvalidInputException(
          "calibration has "
              + components
              + " components, the method asks for "
              + wantedComponents
              + ": set components="
              + components
              + " or calibrate with --components "
              + wantedComponents);
    }
  }

  /**
   * Writes the calibration to a file.
   *
   * @throws InvalidInputException when it cannot be written
   */
  public void write(Path file) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    sites.forEach(
        (name, site) -> {
          long channels = site.mean().length / site.components();
          tensors.put(name + ".mean", Tensor.of(site.mean(), components, channels));
          tensors.put(name + ".variance", Tensor.of(site.variance(), components, channels));
        });
    Map<String, String> metadata = new TreeMap<>(provenance);
    metadata.put(KIND, KIND_VALUE);
    metadata.put(DIGEST, digest);
    metadata.put(COMPONENTS, Integer.toString(components));
    new Safetensors(tensors, metadata).write(file);
  }

  /**
   * Reads a calibration.
   *
   * @throws InvalidInputException when the file is none
   */
  public static Calibration read(Path file) {
    Safetensors content = Safetensors.read(file);
    if (!content.metadata(KIND).equals(KIND_VALUE)) {
      throw new InvalidInputException(
          file
              + ": not a calibration: expected metadata kind "
              + KIND_VALUE
              + ", found '"
              + content.metadata(KIND)
              + "'; make one with 'acclimate calibrate'");
    }
    Map<String, SiteComponents> sites = new LinkedHashMap<>();
    int components = -1;
    for (Map.Entry<String, Tensor> entry : content.tensors().entrySet()) {
      if (!entry.getKey().endsWith(".mean")) {
        continue;
      }
      String site = entry.getKey().substring(0, entry.getKey().length() - ".mean".length());
      Tensor mean = entry.getValue();
      Tensor variance = content.tensors().get(site + ".variance");
      if (variance == null
          || mean.rank() != 2
          || !Arrays.equals(mean.shape(), variance.shape())
          || (components >= 0 && mean.size(0) != components)) {
        throw new InvalidInputException(
            file + ": site '" + site + "': mean " + mean + ", variance " + variance);
      }
      if (!mean.isFinite() || !variance.isFinite()) {
        throw new InvalidInputException(file + ": site '" + site + "' has values not finite");
      }
      components = (int) mean.size(0);
      sites.put(site, new SiteComponents(components, mean.toFloatArray(), variance.toFloatArray()));
    }
    Map<String, String> provenance = new TreeMap<>(content.metadata());
    provenance.keySet().removeAll(Set.of(KIND, DIGEST, COMPONENTS));
    return new Calibration(content.metadata(DIGEST), components, sites, provenance);
  }
}
