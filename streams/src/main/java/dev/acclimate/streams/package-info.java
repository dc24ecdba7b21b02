/** Kafka stream processing: record formats, micro-batches, transactions, dead letters. */
@NullMarked
package dev.acclimate.streams;

import org.jspecify.annotations.NullMarked;
