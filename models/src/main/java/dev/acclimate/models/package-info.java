/** ONNX files: read, inspect, find normalization sites, edit graphs, run them with ONNX Runtime. */
@NullMarked
package dev.acclimate.models;

import org.jspecify.annotations.NullMarked;
