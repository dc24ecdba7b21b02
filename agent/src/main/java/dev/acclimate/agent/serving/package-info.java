/** Models behind the Open Inference Protocol v2: repository, batching, admission, REST. */
@NullMarked
package dev.acclimate.agent.serving;

import org.jspecify.annotations.NullMarked;
