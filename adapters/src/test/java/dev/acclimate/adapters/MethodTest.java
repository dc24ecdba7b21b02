package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.InvalidInputException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How users write methods. */
class MethodTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "source | source",
        "tbn | tbn",
        "bn-prior | bn-prior[prior-samples=16.0]",
        "ema | ema[momentum=0.1]",
        "alpha-bn | alpha-bn[source-weight=0.9]",
        "alpha-bn[] | alpha-bn[source-weight=0.9]",
        " alpha-bn [ source-weight = 0.8 ] | alpha-bn[source-weight=0.8]",
        "unmix-tns[momentum=0.5;components=128]"
            + "| unmix-tns[components=128;momentum=0.5;reference-batch=64.0;temperature=0.07;init=random]",
        "tent"
            + "| tbn+tent[learning-rate=0.001;optimizer=adam;steps=1;parameters=affine;max-gradient-norm=0.0;max-step=0.1]",
        "supervised[labels=8]+nap"
            + "| tbn+supervised[learning-rate=0.01;optimizer=sgd;momentum=0.9;steps=1;parameters=affine;labels=8;replay=32;memory=512;label-smoothing=0.0;max-gradient-norm=0.0;max-step=0.1]+nap[every=1;pull=0.01]",
        "core[rho=0]"
            + "| alpha-bn[source-weight=0.9]+core[learning-rate=0.001;optimizer=sgd;momentum=0.9;steps=1"
            + ";parameters=affine;temperature=1.0;rho=0.0;max-gradient-norm=0.0;max-step=0.1]",
        "ema[momentum=0.2] + tent[ optimizer=sgd ; output=a+b ]"
            + "| ema[momentum=0.2]+tent[learning-rate=1.0E-5;optimizer=sgd;momentum=0.9;steps=1"
            + ";parameters=affine;max-gradient-norm=0.0;max-step=0.1;output=a+b]"
      })
  void readsNamesAndOptionsAndFillsInTheRest(String text, String canonical) {
    assertThat(Method.parse(text).canonical()).isEqualTo(canonical);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "source",
        "tbn",
        "bn-prior",
        "ema",
        "alpha-bn",
        "unmix-tns",
        "adab2n",
        "adab2n[kappa=0.2;tasks=detected;slots=4]",
        "adab2n[renormalize=false;normalize=batch]",
        "auto",
        "auto[components=10;momentum=0.05;caution=20]",
        "unmix-tns[init=calibrated;components=10;momentum=0.5]",
        "tent",
        "core",
        "eta[margin=0.5;similarity=0.1]",
        "unmix-tns[components=4]+sar[rho=0.1;steps=2;optimizer=adam]",
        "adab2n+tent[output=logits;max-gradient-norm=2]"
      })
  void readsBackWhatItPrints(String text) {
    Method method = Method.parse(text);

    assertThat(Method.parse(method.canonical())).isEqualTo(method);
  }

  @Property(tries = 200)
  void readsBackEveryNumberThatItPrints(
      @ForAll @IntRange(min = 1, max = 4096) int components,
      @ForAll @IntRange(min = 1, max = 1_000_000_000) int steps,
      @ForAll @IntRange(min = 1, max = 1_000_000_000) int sevenths) {
    String text =
        "unmix-tns[components=%d;momentum=%s;reference-batch=%s]"
            .formatted(components, 1.0 / steps, sevenths / 7.0);

    assertThat(Method.parse(Method.parse(text).canonical())).isEqualTo(Method.parse(text));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | method '': expected a name with options in brackets",
        "TBN | method 'TBN': expected a name",
        "ema[momentum=0.1 | method 'ema[momentum=0.1': expected a name",
        "ema[momentum=0.1]x | method 'ema[momentum=0.1]x': expected a name",
        "ema[a[b=1]] | method 'ema[a[b=1]]': expected a name",
        "alpha-bn+ | method 'alpha-bn+': expected a name",
        "batchnorm | unknown method 'batchnorm': expected one of adab2n, alpha-bn, auto, bn-prior, ema, source, tbn, unmix-tns",
        "tbn[momentum=1] | method 'tbn[momentum=1]': unknown option 'momentum': expected none, tbn takes no options",
        "alpha-bn[weight=1] | method 'alpha-bn[weight=1]': unknown option 'weight': expected [source-weight]",
        "ema[momentum] | method 'ema[momentum]': expected option=value, found 'momentum'",
        "ema[momentum=] | method 'ema[momentum=]': expected option=value, found 'momentum='",
        "ema[=1] | method 'ema[=1]': expected option=value, found '=1'",
        "ema[momentum=0.1;] | method 'ema[momentum=0.1;]': expected option=value, found ''",
        "ema[momentum=1;momentum=1] | method 'ema[momentum=1;momentum=1]': option 'momentum' twice",
        "ema[momentum=0] | method 'ema[momentum=0]': option 'momentum': expected a number above 0 and up to 1, found '0'",
        "ema[momentum=NaN] | method 'ema[momentum=NaN]': option 'momentum': expected a number above 0 and up to 1, found 'NaN'",
        "alpha-bn[source-weight=1.5] | method 'alpha-bn[source-weight=1.5]': option 'source-weight': expected a number from 0 to 1, found '1.5'",
        "alpha-bn[source-weight=-0.1] | method 'alpha-bn[source-weight=-0.1]': option 'source-weight': expected a number from 0 to 1, found '-0.1'",
        "alpha-bn[source-weight=much] | method 'alpha-bn[source-weight=much]': option 'source-weight': expected a number from 0 to 1, found 'much'",
        "bn-prior[prior-samples=-1] | method 'bn-prior[prior-samples=-1]': option 'prior-samples': expected a number from 0, found '-1'",
        "unmix-tns[components=0] | method 'unmix-tns[components=0]': option 'components': expected a whole number from 1 to 4096, found '0'",
        "unmix-tns[components=1.5] | method 'unmix-tns[components=1.5]': option 'components': expected a whole number from 1 to 4096, found '1.5'",
        "unmix-tns[temperature=0] | method 'unmix-tns[temperature=0]': option 'temperature': expected a number from 1.0E-6, found '0'",
        "unmix-tns[reference-batch=Infinity] | method 'unmix-tns[reference-batch=Infinity]': option 'reference-batch': expected a number above 0, found 'Infinity'",
        "unmix-tns[init=zero] | method 'unmix-tns[init=zero]': option 'init': expected one of [random, calibrated], found 'zero'",
        "adab2n[kappa=1.1] | method 'adab2n[kappa=1.1]': option 'kappa': expected a number from 0 to 1, found '1.1'",
        "adab2n[tasks=all] | method 'adab2n[tasks=all]': option 'tasks': expected one of [given, detected, none], found 'all'",
        "adab2n[renormalize=no] | method 'adab2n[renormalize=no]': option 'renormalize': expected true or false, found 'no'",
        "adab2n[renormalize=false;tasks=none] | method 'adab2n': renormalize=false goes with tasks=given only, found none",
        "unmix-tns[components=4]+nap+core | method 'unmix-tns+nap': nap projects what a companion learns: put it behind one, such as tbn+supervised+nap",
        "tbn+nap | method 'tbn+nap': nap projects what a companion learns: put it behind one, such as tbn+supervised+nap",
        "tbn+tent+nap[every=0] | method 'nap[every=0]': option 'every': expected a whole number from 1 to 2147483647, found '0'",
        "supervised[labels=0] | method 'supervised[labels=0]': option 'labels': expected a whole number from 1 to 4096, found '0'",
        "unmix-tns+magic | unknown companion '+magic': expected one of [tent, core, eta, sar, supervised], and +nap behind it",
        "tbn+tent+core | method 'tbn+tent+core': one companion at a time: leave '+tent' or '+core' out",
        "source+tent | method 'source+tent': source adapts no site whose scale and offset could be learnt: use tbn+tent",
        "tbn+tent[rho=0.5] | method 'tent[rho=0.5]': unknown option 'rho': expected [learning-rate, max-gradient-norm, max-step, optimizer, output, parameters, steps]",
        "tbn+tent[momentum=0.5;optimizer=adam] | method 'tent[momentum=0.5;optimizer=adam]': unknown option 'momentum'",
        "tent[optimizer=lion] | method 'tent[optimizer=lion]': option 'optimizer': expected one of [sgd, adam], found 'lion'",
        "tent[steps=0] | method 'tent[steps=0]': option 'steps': expected a whole number from 1 to 16, found '0'",
        "tent[learning-rate=-1] | method 'tent[learning-rate=-1]': option 'learning-rate': expected a number from 0, found '-1'"
      })
  void refusesWithAClearMessage(String text, String message) {
    assertThatThrownBy(() -> Method.parse(text))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void commasInBracketsDoNotSplitAList() {
    assertThat(Method.splitList("source, alpha-bn[source-weight=0,8] ,unmix-tns[a=1;b=2],tbn"))
        .containsExactly("source", "alpha-bn[source-weight=0,8]", "unmix-tns[a=1;b=2]", "tbn");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "source,", ",source", "source,,tbn"})
  void aListWithAGapHasAMemberThatIsNoMethod(String list) {
    assertThatThrownBy(() -> Method.splitList(list).forEach(Method::parse))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("method '': expected a name");
  }

  @Test
  void oneOptionOfACompanionCanBeSet() {
    assertThat(Method.withOption("ema[momentum=0.2]+tent[steps=2]", "tent.steps", "3"))
        .isEqualTo("ema[momentum=0.2]+tent[steps=3]");
    assertThat(Method.withOption("tent", "tent.steps", "3")).isEqualTo("tbn+tent[steps=3]");
    assertThat(Method.withOption("tent", "steps", "3")).isEqualTo("tent[steps=3]");
    assertThat(Method.withOption("ema+tent", "momentum", "0.3"))
        .isEqualTo("ema[momentum=0.3]+tent");
    assertThatThrownBy(() -> Method.withOption("ema+tent", "core.rho", "0.3"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no companion 'core'");
  }
}
