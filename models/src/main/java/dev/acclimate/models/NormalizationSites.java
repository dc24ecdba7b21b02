package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Finds the nodes of a model that normalize, and tells which of them can adapt. */
public final class NormalizationSites {
  private static final Set<String> NORMALIZATIONS =
      Set.of(
          "BatchNormalization",
          "InstanceNormalization",
          "LayerNormalization",
          "GroupNormalization",
          "RMSNormalization");

  private NormalizationSites() {}

  /** Every normalization node in graph order, adaptable or not. */
  public static List<SiteReport> inspect(OnnxModel model) {
    List<NodeProto> nodes = model.graph().getNodeList();
    List<String> inputs =
        nodes.stream()
            .filter(NormalizationSites::isBatchNormalization)
            .filter(node -> node.getInputCount() > 0)
            .map(node -> node.getInput(0))
            .distinct()
            .toList();
    Map<String, TensorInfo> shapes = ShapeInference.infer(model, inputs);
    Constants constants = new Constants(model.graph());
    Set<String> names = new HashSet<>();
    List<SiteReport> reports = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      NodeProto node = nodes.get(i);
      if (OnnxModel.isDefaultDomain(node.getDomain())
          && NORMALIZATIONS.contains(node.getOpType())) {
        String name = node.getName().isEmpty() ? node.getOutput(0) : node.getName();
        while (!names.add(name)) {
          name += "'"; // one node's name is another's output
        }
        reports.add(report(node, name, i, constants, shapes));
      }
    }
    return reports;
  }

  /**
   * The sites that can adapt, in graph order.
   *
   * @throws InvalidInputException when there is none; the message names what was found
   */
  public static List<NormalizationSite> find(OnnxModel model) {
    List<SiteReport> reports = inspect(model);
    List<NormalizationSite> sites = new ArrayList<>();
    for (SiteReport report : reports) {
      if (report.site() != null) {
        sites.add(report.site());
      }
    }
    if (sites.isEmpty()) {
      throw new InvalidInputException(
          model.name()
              + ": no normalization site that can adapt: found "
              + found(model, reports)
              + "; if BatchNormalization was folded into the convolutions, export the model with"
              + " it kept, or use 'acclimate calibrate' to measure source statistics (adapting"
              + " folded models comes with a later version)");
    }
    return sites;
  }

  private static String found(OnnxModel model, List<SiteReport> reports) {
    if (!reports.isEmpty()) {
      return reports.stream()
          .map(report -> report.operator() + " '" + report.name() + "' (" + report.obstacle() + ")")
          .limit(5)
          .collect(Collectors.joining(", "));
    }
    Map<String, Long> operators =
        model.graph().getNodeList().stream()
            .collect(
                Collectors.groupingBy(NodeProto::getOpType, TreeMap::new, Collectors.counting()));
    return operators.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .limit(6)
        .map(entry -> entry.getValue() + " " + entry.getKey())
        .collect(Collectors.joining(", "));
  }

  private static boolean isBatchNormalization(NodeProto node) {
    return node.getOpType().equals("BatchNormalization")
        && OnnxModel.isDefaultDomain(node.getDomain());
  }

  private static SiteReport report(
      NodeProto node, String name, int index, Constants constants, Map<String, TensorInfo> shapes) {
    String operator = node.getOpType();
    if (!operator.equals("BatchNormalization")) {
      return new SiteReport(
          name, operator, null, "normalizes each sample by itself: no statistics to adapt");
    }
    if (NodeAttributes.isTraining(node)) {
      return new SiteReport(name, operator, null, "in training mode; export in evaluation mode");
    }
    String[] parameters = {"scale", "offset", "mean", "variance"};
    float[][] values = new float[4][];
    for (int i = 0; i < 4; i++) {
      Optional<float[]> vector = constants.vector(node.getInput(i + 1));
      if (vector.isEmpty()) {
        return new SiteReport(
            name, operator, null, parameters[i] + " is not a constant float32 vector");
      }
      values[i] = vector.get();
      if (values[i].length != values[0].length) {
        return new SiteReport(
            name,
            operator,
            null,
            parameters[i] + " has " + values[i].length + " entries, scale " + values[0].length);
      }
      for (float value : values[i]) {
        if (!Float.isFinite(value)) {
          return new SiteReport(name, operator, null, parameters[i] + " holds " + value);
        }
      }
    }
    TensorInfo shape = shapes.get(node.getInput(0));
    if (shape == null || shape.rank() < 2) {
      return new SiteReport(name, operator, null, "the rank of its input is unknown");
    }
    if (shape.type() != ElementType.FP32) {
      return new SiteReport(name, operator, null, "its input is " + shape.type() + ", not FP32");
    }
    NormalizationSite site =
        new NormalizationSite(
            name,
            node.getInput(0),
            node.getOutput(0),
            index,
            values[0].length,
            shape,
            NodeAttributes.epsilon(node),
            values[0],
            values[1],
            values[2],
            values[3]);
    return new SiteReport(name, operator, site, "");
  }
}
