package dev.acclimate.adapters;

/**
 * Clusters of one site's per-instance statistics on source samples.
 *
 * @param components number of clusters K
 * @param mean mean of each, {@code [K, C]} row-major
 * @param variance variance of each around its mean, {@code [K, C]} row-major
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
public record SiteComponents(int components, float[] mean, float[] variance) {}
