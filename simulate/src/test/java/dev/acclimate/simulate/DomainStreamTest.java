package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DomainStreamTest {

  private static final ImageSet IMAGES = BuiltinImages.test(50, 0);
  private static final int SIZE = IMAGES.shape().size();
  private static final Preprocessing PREPROCESSING = Preprocessing.defaults(3);

  @Test
  void saysWhereTheStateIsReset() {
    assertThat(stream(DomainSchedule.SINGLE, Corruption.FOG, Corruption.NONE).segments())
        .extracting(Segment::resetBefore)
        .containsExactly(true, true);
    assertThat(stream(DomainSchedule.CONTINUAL, Corruption.FOG, Corruption.NONE).segments())
        .extracting(Segment::resetBefore)
        .containsExactly(true, false);
  }

  @Test
  void domainsRecurWithoutAResetAndInAnotherOrderEachRound() {
    StreamOptions options =
        new StreamOptions(DomainSchedule.RECURRING, 5, SampleOrder.of(Order.DIRICHLET), 1, 3);

    DomainStream stream =
        DomainStream.of(kinds(Corruption.FOG, Corruption.NONE), PREPROCESSING, options);

    List<Segment> domains = stream.segments();
    assertThat(domains)
        .extracting(Segment::name)
        .containsExactly("fog", "none", "fog (2)", "none (2)", "fog (3)", "none (3)");
    assertThat(domains)
        .extracting(segment -> segment.domain(0).task())
        .containsExactly(0, 1, 0, 1, 0, 1);
    assertThat(domains)
        .extracting(Segment::resetBefore)
        .containsExactly(true, false, false, false, false, false);
    assertThat(stream.size()).isEqualTo(6 * 50);
    assertThat(samples(domains.get(2))).isNotEqualTo(samples(domains.get(0)));
    assertThat(samples(domains.get(4))).isNotEqualTo(samples(domains.get(2)));
    assertThat(samples(domains.get(4)))
        .containsExactlyInAnyOrderElementsOf(samples(domains.get(0)));
  }

  @Test
  void theFirstRoundIsTheContinualStream() {
    Segment once = stream(DomainSchedule.CONTINUAL, Corruption.FOG).segments().get(0);
    Segment first = stream(DomainSchedule.RECURRING, Corruption.FOG).segments().get(0);

    assertThat(samples(first)).isEqualTo(samples(once));
  }

  @Test
  void theSameSamplesAreRareInEveryDomain() {
    SampleOrder longTail = new SampleOrder(Order.IID, 0.1, 0.95, 5);
    List<Segment> segments =
        DomainStream.of(
                kinds(Corruption.FOG, Corruption.NONE),
                PREPROCESSING,
                new StreamOptions(DomainSchedule.CONTINUAL, 5, longTail, 1, 3))
            .segments();

    assertThat(segments.get(0).size()).isLessThan(IMAGES.size());
    assertThat(samples(segments.get(1)))
        .containsExactlyInAnyOrderElementsOf(samples(segments.get(0)));
  }

  @Test
  void refusesLessThanOneRoundAndMoreThanMemoryHolds() {
    for (int rounds : new int[] {0, 1001}) {
      assertThatThrownBy(
              () ->
                  new StreamOptions(
                      DomainSchedule.RECURRING, 5, SampleOrder.of(Order.IID), 0, rounds))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("rounds: expected 1 to 1000, found " + rounds);
    }
  }

  @Test
  void theLogTellsImagesOfTheWholeDataFromWhicheverPartTheStreamWasMade() {
    ImageSet part = IMAGES.window(IMAGES.size() - 2, 3);
    DomainStream stream =
        DomainStream.of(
            DomainKind.corrupted(part, List.of(Corruption.NONE, Corruption.FOG), 0),
            PREPROCESSING,
            new StreamOptions(DomainSchedule.CONTINUAL, 5, Order.AS_IS, 0));

    StreamLog log = StreamLog.of(stream, 2, false);

    int last = IMAGES.size() - 1;
    assertThat(IntStream.range(0, log.size()).map(log::sample))
        .containsExactly(last - 1, last, 0, last - 1, last, 0);
  }

  private static List<Integer> samples(Segment domain) {
    return IntStream.range(0, domain.size()).mapToObj(domain::sample).toList();
  }

  @Test
  void givesTheSameInAnyPieces() {
    Segment domain = stream(DomainSchedule.SINGLE, Corruption.GAUSSIAN_NOISE).segments().get(0);
    FloatBuffer whole = buffer(IMAGES.size());
    assertThat(domain.fill(0, 1000, whole)).isEqualTo(IMAGES.size());

    FloatBuffer piece = buffer(16);
    int filled = domain.fill(40, 16, piece);

    assertThat(filled).isEqualTo(10);
    assertThat(piece.slice(0, filled * SIZE)).isEqualTo(whole.slice(40 * SIZE, filled * SIZE));
    assertThat(domain.label(40)).isEqualTo(IMAGES.label(domain.sample(40)));
    assertThat(domain.fill(50, 16, piece)).isZero();
  }

  @Test
  void aDomainDoesNotDependOnItsNeighbours() {
    Segment alone = stream(DomainSchedule.CONTINUAL, Corruption.FOG).segments().get(0);
    Segment among =
        stream(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.CONTRAST, Corruption.FOG)
            .segments()
            .get(2);
    FloatBuffer first = buffer(50);
    FloatBuffer second = buffer(50);
    alone.fill(0, 50, first);
    among.fill(0, 50, second);

    assertThat(second).isEqualTo(first);
  }

  @Test
  void aDomainNamedTwiceIsTheSameTaskSeenAgain() {
    List<Segment> segments =
        stream(DomainSchedule.CONTINUAL, Corruption.NONE, Corruption.FOG, Corruption.NONE)
            .segments();

    assertThat(segments).extracting(Segment::name).containsExactly("none", "fog", "none (2)");
    assertThat(segments).extracting(segment -> segment.domain(0).task()).containsExactly(0, 1, 0);
  }

  @Test
  void mixedShowsEveryImageInEveryDomainOnceAndDomainsAmongOneAnother() {
    Corruption[] corruptions = {Corruption.NONE, Corruption.FOG, Corruption.CONTRAST};
    for (Order order : Order.values()) {
      DomainStream stream =
          DomainStream.of(
              kinds(corruptions),
              PREPROCESSING,
              new StreamOptions(DomainSchedule.MIXED, 5, order, 1));
      Segment mixed = stream.segments().get(0);

      assertThat(stream.segments()).hasSize(1);
      Set<String> seen = new HashSet<>();
      int changes = 0;
      for (int i = 0; i < mixed.size(); i++) {
        seen.add(mixed.domain(i).name() + mixed.sample(i));
        changes += i > 0 && mixed.domain(i) != mixed.domain(i - 1) ? 1 : 0;
      }
      assertThat(seen).as(order.id()).hasSize(mixed.size()).hasSize(3 * IMAGES.size());
      // two of three neighbours differ on average
      assertThat(changes).as(order.id()).isBetween(mixed.size() / 2, mixed.size() * 5 / 6);
    }
  }

  @Test
  void gradualRisesToTheSeverityAndFallsBackInEqualSteps() {
    Segment fog = stream(DomainSchedule.GRADUAL, Corruption.FOG).segments().get(0);
    Segment severe = stream(DomainSchedule.SINGLE, Corruption.FOG).segments().get(0);
    List<Integer> steps = new ArrayList<>();
    for (int i = 0; i < fog.size(); i++) {
      int severity = fog.domains().indexOf(fog.domain(i)) + 1;
      if (steps.isEmpty() || steps.get(steps.size() - 1) != severity) {
        steps.add(severity);
      }
    }

    assertThat(steps).containsExactly(1, 2, 3, 4, 5, 4, 3, 2, 1);
    assertThat(samples(fog)).isEqualTo(samples(severe));
    FloatBuffer top = buffer(1);
    FloatBuffer expected = buffer(1);
    fog.fill(IMAGES.size() / 2, 1, top);
    severe.fill(IMAGES.size() / 2, 1, expected);
    assertThat(top).isEqualTo(expected);
  }

  @Test
  void smoothStartsAsTheFirstDomainAloneAndEndsAsTheSecondAlone() {
    Segment walk =
        stream(DomainSchedule.SMOOTH, Corruption.FOG, Corruption.CONTRAST).segments().get(0);

    assertThat(walk.name()).isEqualTo("fog to contrast");
    assertThat(samples(walk))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 50).boxed().toList());
    assertThat(walk.domain(0).images()).satisfies(images -> same(images, Corruption.FOG));
    assertThat(walk.domain(49).images()).satisfies(images -> same(images, Corruption.CONTRAST));
  }

  private static void same(ImageSet images, Corruption corruption) {
    assertThat(pixels(images)).isEqualTo(pixels(kinds(corruption).get(0).at(5)));
  }

  private static float[] pixels(ImageSet images) {
    float[] pixels = new float[SIZE];
    images.read(7, pixels);
    return pixels;
  }

  @Test
  void smoothNeverTakesMoreThanOneSmallStepAtATime() {
    // nothing random: what is drawn anew at whole severities would hide the steps
    Segment walk =
        stream(DomainSchedule.SMOOTH, Corruption.BRIGHTNESS, Corruption.CONTRAST).segments().get(0);
    float[] first = pixels(walk.domain(0).images());
    float[] last = pixels(walk.domain(49).images());
    double whole = distance(first, last);

    for (int i = 1; i < 50; i++) {
      int before = walk.domains().indexOf(walk.domain(i - 1));
      assertThat(walk.domains().indexOf(walk.domain(i))).isBetween(before, before + 1);
      assertThat(distance(pixels(walk.domain(i - 1).images()), pixels(walk.domain(i).images())))
          .as("step to sample " + i)
          .isLessThan(whole / 4);
    }
    // something of both half-way
    float[] middle = pixels(walk.domain(25).images());
    assertThat(distance(middle, first)).isGreaterThan(whole / 8);
    assertThat(distance(middle, last)).isGreaterThan(whole / 8);
  }

  private static double distance(float[] a, float[] b) {
    return Math.sqrt(IntStream.range(0, a.length).mapToDouble(i -> Math.pow(a[i] - b[i], 2)).sum());
  }

  @Test
  void smoothWalksFromPairToPairWithoutAReset() {
    List<Segment> walks =
        stream(
                DomainSchedule.SMOOTH,
                Corruption.NONE,
                Corruption.FOG,
                Corruption.NONE,
                Corruption.FOG)
            .segments();

    assertThat(walks)
        .extracting(Segment::name)
        .containsExactly("none to fog", "fog to none", "none to fog (2)");
    assertThat(walks).extracting(walk -> walk.domain(0).task()).containsExactly(0, 1, 0);
    assertThat(walks).extracting(Segment::resetBefore).containsExactly(true, false, false);
    assertThat(walks).extracting(walk -> walk.domain(0).clean()).containsExactly(true, false, true);
    assertThat(walks)
        .extracting(walk -> walk.domain(49).clean())
        .containsExactly(false, true, false);
    assertThat(walks).noneMatch(Segment::isClean);
  }

  @Test
  void smoothWalksFromCleanImagesToASingleCorruption() {
    Segment walk = stream(DomainSchedule.SMOOTH, Corruption.FOG).segments().get(0);

    assertThat(walk.name()).isEqualTo("none to fog");
    assertThat(pixels(walk.domain(0).images())).isEqualTo(pixels(IMAGES));
    assertThat(walk.domain(49).images()).satisfies(images -> same(images, Corruption.FOG));
  }

  @Test
  void smoothStaysWhereBothEndsAreTheSame() {
    Segment stay = stream(DomainSchedule.SMOOTH, Corruption.FOG, Corruption.FOG).segments().get(0);

    assertThat(stay.domain(25).images()).satisfies(images -> same(images, Corruption.FOG));
  }

  @Test
  void smoothRefusesCorruptionsOfDifferentImages() {
    List<DomainKind> kinds =
        List.of(
            kinds(Corruption.FOG).get(0),
            DomainKind.corrupted(BuiltinImages.test(50, 1), Corruption.CONTRAST, 1));
    StreamOptions options = new StreamOptions(DomainSchedule.SMOOTH, 5, Order.IID, 1);

    assertThatThrownBy(() -> DomainStream.of(kinds, PREPROCESSING, options))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "domains: expected fog and contrast to be corruptions of the same images");
  }

  @Test
  void preprocessesWhatTheModelSees() {
    StreamOptions options = new StreamOptions(DomainSchedule.SINGLE, 5, Order.AS_IS, 0);
    Segment domain =
        DomainStream.of(kinds(Corruption.NONE), PREPROCESSING, options).segments().get(0);
    FloatBuffer inputs = buffer(2);
    domain.fill(0, 2, inputs);

    float[] pixels = new float[SIZE];
    IMAGES.read(1, pixels);
    FloatBuffer expected = buffer(2);
    PREPROCESSING.write(pixels, IMAGES.shape(), expected, SIZE);
    assertThat(inputs.slice(SIZE, SIZE)).isEqualTo(expected.slice(SIZE, SIZE));
  }

  @Test
  void refusesBuffersThatAreTooSmall() {
    Segment domain = stream(DomainSchedule.SINGLE, Corruption.NONE).segments().get(0);

    assertThatThrownBy(() -> domain.fill(0, 3, buffer(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected room for 3 samples");
  }

  @Test
  void listsTheSchedules() {
    assertThat(DomainSchedule.parse("continual")).isEqualTo(DomainSchedule.CONTINUAL);
    assertThatThrownBy(() -> DomainSchedule.parse("forever"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "domains: expected one of single, continual, mixed, gradual, recurring, smooth, found \"forever\"");
  }

  private static DomainStream stream(DomainSchedule schedule, Corruption... corruptions) {
    return DomainStream.of(
        kinds(corruptions), PREPROCESSING, new StreamOptions(schedule, 5, Order.DIRICHLET, 1));
  }

  private static List<DomainKind> kinds(Corruption... corruptions) {
    return DomainKind.corrupted(IMAGES, List.of(corruptions), 1);
  }

  private static FloatBuffer buffer(int images) {
    return ByteBuffer.allocateDirect(images * SIZE * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
