/** {@code report.html}: a simulation's result as one page that needs nothing but itself. */
@NullMarked
package dev.acclimate.simulate.report;

import org.jspecify.annotations.NullMarked;
