package dev.acclimate.agent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The most memory that this process has had resident at once, what native code took included. */
final class PeakMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Pattern HIGH_WATER_MARK = Pattern.compile("(?m)^VmHWM:\\s*(\\d+) kB$");

  private PeakMemory() {}

  /** In MiB; empty where the system does not tell, that is anywhere but on Linux. */
  static Optional<Long> mebibytes() {
    try {
      Matcher found = HIGH_WATER_MARK.matcher(Files.readString(STATUS));
      return found.find() ? Optional.of(Long.parseLong(found.group(1)) >> 10) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
