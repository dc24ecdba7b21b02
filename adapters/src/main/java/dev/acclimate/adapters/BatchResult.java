package dev.acclimate.adapters;

import dev.acclimate.models.Tensor;
import java.util.Map;

/**
 * What a batch gave.
 *
 * @param outputs the model's own outputs by name, and what else the method measures ({@code
 *     acclimate/norm_loss} of {@code adab2n[normalize=batch]}), valid until the next run
 * @param adapted false where the step was rejected and the source statistics answered
 * @param step steps taken after this batch
 */
public record BatchResult(Map<String, Tensor> outputs, boolean adapted, long step) {}
