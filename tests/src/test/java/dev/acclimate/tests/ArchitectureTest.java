package dev.acclimate.tests;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.onlyDependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;

/** Who may use whom, and how things are called. */
@AnalyzeClasses(
    packages = "dev.acclimate",
    importOptions = {
      ImportOption.DoNotIncludeTests.class,
      ArchitectureTest.DoNotIncludeThisModule.class
    })
class ArchitectureTest {
  private static final String ROOT = "dev.acclimate";

  /** This module is named after what it holds, so that its classes look like production code. */
  static final class DoNotIncludeThisModule implements ImportOption {
    @Override
    public boolean includes(com.tngtech.archunit.core.importer.Location location) {
      return !location.contains("/dev/acclimate/tests/");
    }
  }

  @ArchTest static final ArchRule modelsUseNoOtherModule = module("models").mayUse();

  @ArchTest static final ArchRule adaptersUseModels = module("adapters").mayUse("models");

  @ArchTest
  static final ArchRule simulateUsesAdapters = module("simulate").mayUse("adapters", "models");

  @ArchTest
  static final ArchRule streamsUseAdapters = module("streams").mayUse("adapters", "models");

  @ArchTest
  static final ArchRule agentUsesAll =
      module("agent").mayUse("streams", "simulate", "adapters", "models");

  @ArchTest
  static final ArchRule packagesFormNoCycles =
      slices().matching(ROOT + ".(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule classesAreNamedForWhatTheyAre =
      noClasses().should().haveNameMatching(".*(Util|Utils|Manager|Helper|Helpers)");

  @ArchTest
  static void everyPackageIsNullMarked(JavaClasses classes) {
    Set<String> unmarked = new TreeSet<>();
    for (JavaClass one : classes) {
      JavaPackage itsPackage = one.getPackage();
      if (!itsPackage.isAnnotatedWith(NullMarked.class)) {
        unmarked.add(itsPackage.getName());
      }
    }

    assertThat(unmarked).isEmpty();
  }

  @ArchTest
  static void everyModuleIsLookedAt(JavaClasses classes) {
    Set<String> modules = new TreeSet<>();
    for (JavaClass one : classes) {
      modules.add(one.getPackageName().split("\\.", -1)[2]);
    }

    assertThat(modules).containsExactly("adapters", "agent", "models", "simulate", "streams");
  }

  private static Module module(String name) {
    return new Module(name);
  }

  private record Module(String name) {
    ArchRule mayUse(String... others) {
      DescribedPredicate<JavaClass> allowed = not(resideInAPackage(ROOT + ".."));
      allowed = allowed.or(resideInAPackage(ROOT + "." + name + ".."));
      for (String other : others) {
        allowed = allowed.or(resideInAPackage(ROOT + "." + other + ".."));
      }
      return classes()
          .that()
          .resideInAPackage(ROOT + "." + name + "..")
          .should(
              onlyDependOnClassesThat(
                  allowed.as("belong to %s or, of ours, to %s", List.of(others), name)));
    }
  }
}
