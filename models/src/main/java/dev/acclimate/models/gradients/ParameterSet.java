package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which of a model's parameters learn, as users write it: {@code affine} (scale and offset of all
 * normalizations), {@code all} (these, and weights and biases of convolutions, linear layers and
 * embeddings), or patterns over initializer names in which {@code *} stands for any characters and
 * {@code ?} for one; several are separated by commas.
 *
 * <p>Measured statistics (mean and variance of BatchNormalization) are no parameters. Exporters
 * store equal tensors once: layers that share an initializer share what it learns.
 */
public final class ParameterSet {
  private static final String AFFINE = "affine";
  private static final String ALL = "all";
  private static final int NAMES_IN_MESSAGE = 40;

  /** Scale and offset among the inputs of normalizations. */
  private static final Map<String, List<Integer>> NORMALIZATIONS =
      Map.of(
          "BatchNormalization", List.of(1, 2),
          "InstanceNormalization", List.of(1, 2),
          "LayerNormalization", List.of(1, 2),
          "GroupNormalization", List.of(1, 2));

  /** Weights and biases among the inputs of layers. */
  private static final Map<String, List<Integer>> LAYERS =
      Map.of(
          "Conv", List.of(1, 2),
          "ConvTranspose", List.of(1, 2),
          "Gemm", List.of(0, 1, 2),
          "MatMul", List.of(0, 1),
          "PRelu", List.of(1),
          "Gather", List.of(0));

  private final String text;
  private final List<String> terms;

  private ParameterSet(String text, List<String> terms) {
    this.text = text;
    this.terms = List.copyOf(terms);
  }

  /**
   * Reads a selection.
   *
   * @throws InvalidInputException when it is empty or has empty parts
   */
  public static ParameterSet parse(String text) {
    List<String> terms = Arrays.stream(text.split(",", -1)).map(String::strip).toList();
    if (terms.contains("")) {
      throw new InvalidInputException(
          "parameters '" + text + "': expected affine, all, or patterns separated by commas");
    }
    return new ParameterSet(text, terms);
  }

  /** Scale and offset of all normalizations. */
  public static ParameterSet affine() {
    return parse(AFFINE);
  }

  /** True for {@link #affine} and nothing else. */
  public boolean isAffine() {
    return terms.equals(List.of(AFFINE));
  }

  /** Everything that training would learn. */
  public static ParameterSet all() {
    return parse(ALL);
  }

  /**
   * The initializers that the selection takes from a model, in the order in which its graph reads
   * them; only float32 ones that move {@code output}.
   *
   * @param output the tensor that a loss is made of, such as the logits
   * @throws InvalidInputException when a part of the selection takes none; the message lists names
   */
  public Set<String> select(OnnxModel model, String output) {
    Parameters parameters = new Parameters(model.graph(), output);
    Set<String> wanted = new HashSet<>();
    for (String term : terms) {
      List<String> found = parameters.names.stream().filter(matching(term, parameters)).toList();
      if (found.isEmpty()) {
        throw new InvalidInputException(
            model.name()
                + ": parameters '"
                + term
                + "': expected affine, all, or a pattern that matches one of "
                + parameters.listed()
                + "; found none that moves '"
                + output
                + "'");
      }
      wanted.addAll(found);
    }
    Set<String> selected = new LinkedHashSet<>(parameters.names);
    selected.retainAll(wanted);
    return selected;
  }

  private static Predicate<String> matching(String term, Parameters parameters) {
    return switch (term) {
      case AFFINE -> parameters.affine::contains;
      case ALL -> parameters.trained::contains;
      default -> glob(term).asMatchPredicate();
    };
  }

  private static Pattern glob(String term) {
    return Pattern.compile(
        term.chars()
            .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c)))
            .collect(Collectors.joining()));
  }

  /** True for a selection of the same parts in the same order. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ParameterSet set && terms.equals(set.terms);
  }

  @Override
  public int hashCode() {
    return terms.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }

  /** A graph's float32 initializers that move a tensor, and what they are. */
  private static final class Parameters {
    private final Map<String, NodeProto> producers = new HashMap<>();
    private final Set<String> initializers = new HashSet<>();
    private final List<String> names = new ArrayList<>();
    private final Set<String> affine = new HashSet<>();
    private final Set<String> trained = new HashSet<>();

    Parameters(GraphProto graph, String output) {
      for (TensorProto tensor : graph.getInitializerList()) {
        if (tensor.getDataType() == TensorProto.DataType.FLOAT.getNumber()) {
          initializers.add(tensor.getName());
        }
      }
      graph.getNodeList().forEach(n -> n.getOutputList().forEach(o -> producers.put(o, n)));
      ActivePath path = new ActivePath(graph, output, initializers, tensor -> true);
      Set<String> statistics = new HashSet<>();
      Set<String> moving = new LinkedHashSet<>();
      for (NodeProto node : graph.getNodeList()) {
        for (int i = 0; i < node.getInputCount(); i++) {
          String initializer = initializer(node.getInput(i));
          if (initializer != null && path.carriesGradient(initializer)) {
            moving.add(initializer);
            classify(node, i, initializer, statistics);
          }
        }
      }
      moving.removeAll(statistics);
      names.addAll(moving);
    }

    private void classify(NodeProto node, int input, String initializer, Set<String> statistics) {
      if (takes(NORMALIZATIONS, node, input)) {
        affine.add(initializer);
        trained.add(initializer);
      } else if (takes(LAYERS, node, input) || isBiasOfMatMul(node)) {
        trained.add(initializer);
      } else if (GradientRules.isOperator(node, "BatchNormalization")) {
        statistics.add(initializer);
      }
    }

    private static boolean takes(Map<String, List<Integer>> inputs, NodeProto node, int input) {
      List<Integer> positions = inputs.get(node.getOpType());
      return positions != null
          && positions.contains(input)
          && GradientRules.isOperator(node, node.getOpType());
    }

    /** Linear layers over more than two axes come as a product and a sum. */
    private boolean isBiasOfMatMul(NodeProto node) {
      return GradientRules.isOperator(node, "Add")
          && node.getInputList().stream()
              .map(producers::get)
              .anyMatch(n -> n != null && GradientRules.isOperator(n, "MatMul"));
    }

    /** The float32 initializer behind a tensor and any number of Identity. */
    private @Nullable String initializer(String tensor) {
      String name = tensor;
      NodeProto producer = producers.get(name);
      while (producer != null && GradientRules.isOperator(producer, "Identity")) {
        name = producer.getInput(0);
        producer = producers.get(name);
      }
      return initializers.contains(name) ? name : null;
    }

    String listed() {
      return names.stream().limit(NAMES_IN_MESSAGE).collect(Collectors.joining(", "))
          + (names.size() > NAMES_IN_MESSAGE
              ? " and " + (names.size() - NAMES_IN_MESSAGE) + " more"
              : "");
    }
  }
}
