package dev.acclimate.models.gradients;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.OnnxModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/** Networks and where they lie, seen from this module. */
enum Network {
  BUILTIN("../simulate/src/main/resources/dev/acclimate/simulate/builtin/builtin.onnx"),
  RESNET20("../../shared/data/cifar10/resnet20.onnx");

  private final Path file;

  Network(String file) {
    this.file = Path.of(file);
  }

  /** The network; the test is skipped where it is not there. */
  OnnxModel read() {
    assumeTrue(Files.exists(file), "real model not present");
    return OnnxModel.read(file);
  }

  /** Names of all gamma and beta. */
  static Set<String> affine(OnnxModel model) {
    Set<String> parameters = new LinkedHashSet<>();
    for (NodeProto node : model.graph().getNodeList()) {
      if (node.getOpType().equals("BatchNormalization")) {
        parameters.add(node.getInput(1));
        parameters.add(node.getInput(2));
      }
    }
    return parameters;
  }
}
