package dev.acclimate.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SiteReport;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.simulate.TextTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells what a model is and where it can adapt. */
@Command(
    name = "inspect",
    description =
        "Shows a model's inputs, outputs and operator set, and every normalization site with"
            + " whether and how it can adapt.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate inspect resnet20.onnx --json"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class InspectCommand implements Callable<Integer> {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or builtin.")
  private String model;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    OnnxModel loaded = new ModelArgument(model).load();
    List<SiteReport> sites = NormalizationSites.inspect(loaded);
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? json(loaded, sites) : text(loaded, sites));
    out.flush();
    return 0;
  }

  private static String json(OnnxModel model, List<SiteReport> sites) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", model.name());
    root.put("digest", model.digest());
    root.put("opset", model.opset());
    tensors(root.putArray("inputs"), model.inputs());
    tensors(root.putArray("outputs"), model.outputs());
    ArrayNode list = root.putArray("sites");
    for (SiteReport report : sites) {
      ObjectNode node = list.addObject();
      node.put("name", report.name());
      node.put("operator", report.operator());
      node.put("adaptable", report.adaptable());
      NormalizationSite site = report.site();
      if (site == null) {
        node.put("reason", report.obstacle());
      } else {
        node.put("channels", site.channels());
        node.put("spatial", site.isSpatial());
        node.put("input", site.shape().shapeText());
        methods(site).forEach(node.withArray("methods")::add);
      }
    }
    return JSON.writeValueAsString(root) + "\n";
  }

  private static void tensors(ArrayNode list, List<TensorInfo> tensors) {
    for (TensorInfo tensor : tensors) {
      ObjectNode node = list.addObject();
      node.put("name", tensor.name());
      node.put("datatype", tensor.type().name());
      ArrayNode shape = node.putArray("shape");
      tensor
          .dimensions()
          .forEach(
              dimension -> {
                if (dimension.isFixed()) {
                  shape.add(dimension.size());
                } else {
                  shape.add(dimension.toString());
                }
              });
    }
  }

  private static List<String> methods(NormalizationSite site) {
    return site.isSpatial()
        ? List.of("tbn", "bn-prior", "ema", "alpha-bn", "unmix-tns", "adab2n")
        : List.of("tbn", "bn-prior", "ema", "alpha-bn", "adab2n");
  }

  private static String text(OnnxModel model, List<SiteReport> sites) {
    StringBuilder text = new StringBuilder();
    text.append("model   ").append(model.name()).append('\n');
    text.append("opset   ").append(model.opset()).append('\n');
    text.append("digest  ").append(model.digest()).append('\n');
    model.inputs().forEach(input -> text.append("input   ").append(input).append('\n'));
    model.outputs().forEach(output -> text.append("output  ").append(output).append('\n'));
    long adaptable = sites.stream().filter(SiteReport::adaptable).count();
    text.append("sites   ")
        .append(sites.size())
        .append(" that normalize, ")
        .append(adaptable)
        .append(" can adapt\n");
    if (!sites.isEmpty()) {
      text.append('\n').append(TextTable.of(rows(sites)));
    }
    return text.toString();
  }

  private static List<List<String>> rows(List<SiteReport> sites) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("site", "operator", "channels", "input", "adapts by"));
    for (SiteReport report : sites) {
      NormalizationSite site = report.site();
      rows.add(
          site == null
              ? List.of(report.name(), report.operator(), "-", "-", "no: " + report.obstacle())
              : List.of(
                  report.name(),
                  report.operator(),
                  Integer.toString(site.channels()),
                  site.shape().shapeText(),
                  String.join(" ", methods(site))));
    }
    return rows;
  }
}
