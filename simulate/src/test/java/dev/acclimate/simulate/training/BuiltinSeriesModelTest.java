package dev.acclimate.simulate.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.DomainKind;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.MethodRun;
import dev.acclimate.simulate.Simulation;
import dev.acclimate.simulate.SimulationOptions;
import dev.acclimate.simulate.SimulationProgress;
import dev.acclimate.simulate.StreamMetrics;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.Trial;
import dev.acclimate.simulate.builtin.BuiltinSeriesModel;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.BuiltinSeries;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.orders.Order;
import java.util.List;
import org.junit.jupiter.api.Test;

class BuiltinSeriesModelTest {
  private static final DataSpec DATA = DataSpec.parse("builtin-series:512");

  @Test
  void classifiesWindowsThatItWasNotTrainedOn() {
    ImageSet windows = DataSpec.parse("builtin-series:1000").load();

    double accuracy =
        Accuracy.of(BuiltinSeriesModel.load(), BuiltinSeriesModel.preprocessing(), windows, 1);

    assertThat(accuracy).isBetween(0.94, 0.98);
  }

  @Test
  void isAModelOfOneAxis() {
    OnnxModel model = BuiltinSeriesModel.load();

    assertThat(model.inputs()).hasToString("[input FP32 [batch, 3, 128]]");
    assertThat(model.outputs()).hasToString("[logits FP32 [batch, 6]]");
    assertThat(model.graph().getNodeList())
        .filteredOn(node -> node.getOpType().equals("BatchNormalization"))
        .hasSize(9)
        .allMatch(node -> node.getOutputCount() == 1);
    assertThat(BuiltinSeriesModel.preprocessing().classes()).isEqualTo(BuiltinSeries.CLASSES);
  }

  @Test
  void everyMethodAdaptsItAndBatchStatisticsUndoASensorsOffsetAndGain() {
    ImageSet windows = DATA.load();
    DomainStream stream =
        DomainStream.of(
            DomainKind.corrupted(
                windows, List.of(Corruption.SENSOR_OFFSET, Corruption.SENSOR_GAIN), 0),
            BuiltinSeriesModel.preprocessing(),
            new StreamOptions(DomainSchedule.SINGLE, 5, Order.IID, 0));
    List<String> methods =
        List.of(
            "source",
            "tbn",
            "alpha-bn",
            "bn-prior",
            "ema",
            "adab2n",
            "unmix-tns",
            "unmix-tns[init=calibrated;components=6]",
            "auto[components=6]");
    SimulationOptions options =
        new SimulationOptions(methods, new SessionSettings(ExecutionProvider.CPU, 1), null);
    try (Simulation simulation =
        new Simulation(
            BuiltinSeriesModel.load(),
            BuiltinSeriesModel.preprocessing(),
            options,
            () -> DATA.load(Split.TRAIN))) {
      Trial trial = simulation.run(stream, "iid", "single", 64, 0, SimulationProgress.NONE);

      assertThat(trial.runs()).hasSize(methods.size());
      assertThat(trial.runs()).extracting(MethodRun::rejectedSteps).containsOnly(0L);
      assertThat(errorRate(trial, 0)).as("frozen").isGreaterThan(errorRate(trial, 1) + 0.1);
    }
  }

  private static double errorRate(Trial trial, int method) {
    return StreamMetrics.of(
            trial.log(), trial.runs().get(method).answers(), trial.frozen().answers())
        .errorRate();
  }
}
