package dev.acclimate.models.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ParameterSetTest {
  private final OnnxModel model = Network.BUILTIN.read();
  private final String logits = model.outputs().get(0).name();

  private Set<String> select(String text) {
    return ParameterSet.parse(text).select(model, logits);
  }

  /** Inputs of these operators from the second on. */
  private Set<String> inputsOf(Set<String> operators, int last) {
    Set<String> names = new LinkedHashSet<>();
    for (NodeProto node : model.graph().getNodeList()) {
      if (operators.contains(node.getOpType())) {
        names.addAll(node.getInputList().subList(1, Math.min(last + 1, node.getInputCount())));
      }
    }
    return names;
  }

  @Test
  void affineTakesScaleAndOffsetOfNormalizations() {
    assertThat(select("affine")).isEqualTo(Network.affine(model)).isNotEmpty();
  }

  @Test
  void allTakesWeightsToo_butNotMeasuredStatistics() {
    assertThat(select("all"))
        .isEqualTo(inputsOf(Set.of("Conv", "Gemm", "BatchNormalization"), 2))
        .hasSizeGreaterThan(Network.affine(model).size());
  }

  @Test
  void patternsTakeNamesInTheOrderOfTheGraph() {
    String first = select("all").iterator().next();
    Set<String> both = select("affine," + first.substring(0, first.length() - 1) + "?");

    assertThat(both).startsWith(first).containsAll(Network.affine(model));
    assertThat(select("*")).containsAll(select("all"));
  }

  @Test
  void patternThatMatchesNothingIsRefusedWithNames() {
    assertThatThrownBy(() -> select("affine,layer9.*"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'layer9.*'")
        .hasMessageContaining(select("all").iterator().next());
  }

  @Test
  void emptyPartsAreRefused() {
    assertThatThrownBy(() -> ParameterSet.parse("affine,"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'affine,'");
  }
}
