/** The Open Inference Protocol v2 over gRPC. */
@NullMarked
package dev.acclimate.agent.grpc;

import org.jspecify.annotations.NullMarked;
