package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DomainStreamTest {

  private static final ImageSet IMAGES = BuiltinImages.test(50, 0);
  private static final int SIZE = IMAGES.shape().size();
  private static final Preprocessing PREPROCESSING = Preprocessing.defaults(3);

  @Test
  void saysWhereTheStateIsReset() {
    assertThat(stream(DomainSchedule.SINGLE, Corruption.FOG, Corruption.NONE).domains())
        .extracting(Domain::resetBefore)
        .containsExactly(true, true);
    assertThat(stream(DomainSchedule.CONTINUAL, Corruption.FOG, Corruption.NONE).domains())
        .extracting(Domain::resetBefore)
        .containsExactly(true, false);
  }

  @Test
  void domainsRecurWithoutAResetAndInAnotherOrderEachRound() {
    StreamOptions options =
        new StreamOptions(
            Shift.all(List.of(Corruption.FOG, Corruption.NONE), 5),
            DomainSchedule.RECURRING,
            Order.DIRICHLET,
            Order.DEFAULT_DELTA,
            1,
            3);

    DomainStream stream = DomainStream.of(IMAGES, PREPROCESSING, options);

    List<Domain> domains = stream.domains();
    assertThat(domains)
        .extracting(Domain::name)
        .containsExactly("fog", "none", "fog (2)", "none (2)", "fog (3)", "none (3)");
    assertThat(domains).extracting(Domain::task).containsExactly(0, 1, 0, 1, 0, 1);
    assertThat(domains)
        .extracting(Domain::resetBefore)
        .containsExactly(true, false, false, false, false, false);
    assertThat(stream.size()).isEqualTo(6 * 50);
    assertThat(samples(domains.get(2))).isNotEqualTo(samples(domains.get(0)));
    assertThat(samples(domains.get(4))).isNotEqualTo(samples(domains.get(2)));
    assertThat(samples(domains.get(4)))
        .containsExactlyInAnyOrderElementsOf(samples(domains.get(0)));
  }

  @Test
  void theFirstRoundIsTheContinualStream() {
    Domain once = stream(DomainSchedule.CONTINUAL, Corruption.FOG).domains().get(0);
    Domain first = stream(DomainSchedule.RECURRING, Corruption.FOG).domains().get(0);

    assertThat(samples(first)).isEqualTo(samples(once));
  }

  @Test
  void refusesLessThanOneRound() {
    assertThatThrownBy(
            () ->
                new StreamOptions(
                    List.of(Shift.NONE), DomainSchedule.RECURRING, Order.IID, 0.1, 0, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("rounds: expected at least 1, found 0");
  }

  private static List<Integer> samples(Domain domain) {
    return IntStream.range(0, domain.size()).mapToObj(domain::sample).toList();
  }

  @Test
  void givesTheSameInAnyPieces() {
    Domain domain = stream(DomainSchedule.SINGLE, Corruption.GAUSSIAN_NOISE).domains().get(0);
    FloatBuffer whole = buffer(IMAGES.size());
    int[] labels = new int[IMAGES.size()];
    assertThat(domain.fill(0, 1000, whole, labels)).isEqualTo(IMAGES.size());

    FloatBuffer piece = buffer(16);
    int[] pieceLabels = new int[16];
    int filled = domain.fill(40, 16, piece, pieceLabels);

    assertThat(filled).isEqualTo(10);
    assertThat(piece.slice(0, filled * SIZE)).isEqualTo(whole.slice(40 * SIZE, filled * SIZE));
    assertThat(pieceLabels).startsWith(labels[40], labels[41], labels[42]);
    assertThat(labels[40]).isEqualTo(domain.label(40));
    assertThat(domain.fill(50, 16, piece, pieceLabels)).isZero();
  }

  @Test
  void aDomainDoesNotDependOnItsNeighbours() {
    Domain alone = stream(DomainSchedule.CONTINUAL, Corruption.FOG).domains().get(0);
    Domain among =
        stream(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.CONTRAST, Corruption.FOG)
            .domains()
            .get(2);
    FloatBuffer first = buffer(50);
    FloatBuffer second = buffer(50);
    alone.fill(0, 50, first, new int[50]);
    among.fill(0, 50, second, new int[50]);

    assertThat(second).isEqualTo(first);
  }

  @Test
  void preprocessesWhatTheModelSees() {
    StreamOptions options =
        new StreamOptions(List.of(Shift.NONE), DomainSchedule.SINGLE, Order.AS_IS, 0.1, 0);
    Domain domain = DomainStream.of(IMAGES, PREPROCESSING, options).domains().get(0);
    FloatBuffer inputs = buffer(2);
    domain.fill(0, 2, inputs, new int[2]);

    float[] pixels = new float[SIZE];
    IMAGES.read(1, pixels);
    FloatBuffer expected = buffer(2);
    PREPROCESSING.write(pixels, IMAGES.shape(), expected, SIZE);
    assertThat(inputs.slice(SIZE, SIZE)).isEqualTo(expected.slice(SIZE, SIZE));
  }

  @Test
  void refusesBuffersThatAreTooSmall() {
    Domain domain = stream(DomainSchedule.SINGLE, Corruption.NONE).domains().get(0);

    assertThatThrownBy(() -> domain.fill(0, 3, buffer(2), new int[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected room for 3 samples");
  }

  @Test
  void listsTheSchedules() {
    assertThat(DomainSchedule.parse("continual")).isEqualTo(DomainSchedule.CONTINUAL);
    assertThatThrownBy(() -> DomainSchedule.parse("forever"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("domains: expected one of single, continual, recurring, found \"forever\"");
  }

  private static DomainStream stream(DomainSchedule schedule, Corruption... corruptions) {
    return DomainStream.of(
        IMAGES,
        PREPROCESSING,
        new StreamOptions(
            Shift.all(List.of(corruptions), 5), schedule, Order.DIRICHLET, Order.DEFAULT_DELTA, 1));
  }

  private static FloatBuffer buffer(int images) {
    return ByteBuffer.allocateDirect(images * SIZE * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
