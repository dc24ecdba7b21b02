package dev.acclimate.simulate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.simulate.Comparison.MethodDifference;
import dev.acclimate.simulate.Comparison.SettingDifference;

/** A comparison as JSON; rates are fractions, and an interval is there where seeds allow one. */
final class ComparisonJson {
  private ComparisonJson() {}

  static String of(Comparison comparison) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("a", comparison.first());
    root.put("b", comparison.second());
    ArrayNode settings = root.putArray("settings");
    for (SettingDifference setting : comparison.settings()) {
      ObjectNode node = settings.addObject();
      node.put("setting", setting.setting());
      ArrayNode methods = node.putArray("methods");
      setting.methods().forEach(method -> method(methods.addObject(), method));
    }
    ArrayNode origins = root.putArray("provenance");
    comparison
        .origins()
        .forEach(
            one ->
                origins
                    .addObject()
                    .put("name", one.name())
                    .put("a", one.first())
                    .put("b", one.second()));
    comparison.onlyFirst().forEach(root.putArray("only_in_a")::add);
    comparison.onlySecond().forEach(root.putArray("only_in_b")::add);
    return root.toPrettyString() + "\n";
  }

  private static void method(ObjectNode node, MethodDifference method) {
    node.put("method", method.method());
    node.put("seeds", method.seeds());
    difference(node, method.all());
    ArrayNode domains = node.putArray("domains");
    method
        .domains()
        .forEach(
            (domain, difference) ->
                difference(domains.addObject().put("domain", domain), difference));
  }

  private static void difference(ObjectNode node, Estimate difference) {
    node.put("difference", difference.mean());
    if (Double.isFinite(difference.low())) {
      node.putArray("interval").add(difference.low()).add(difference.high());
    }
  }
}
