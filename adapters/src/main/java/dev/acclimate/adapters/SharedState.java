package dev.acclimate.adapters;

import dev.acclimate.models.Tensor;

/**
 * A state that a model keeps once, beside those that its sites keep each.
 *
 * @param name what the tensor is called, such as {@code eta}
 * @param start its float32 value before the first batch; not to be written to
 */
record SharedState(String name, Tensor start) {}
