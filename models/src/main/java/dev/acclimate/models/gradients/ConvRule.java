package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Convolution over any number of spatial axes.
 *
 * <p>The weight gradient is one matrix product per kernel element, of the result's gradient with
 * the padded input shifted to where that element read it. The textbook form, one convolution with
 * batch and channels exchanged, has a kernel as large as the image, which no implementation is
 * built for: on one CPU core it took 1.4 to 2.5 times as long at the shapes of small ResNets.
 *
 * <p>The input gradient is a convolution with the kernel flipped and its channels exchanged where
 * the stride is 1, since a ConvTranspose is seldom as well tuned; else a ConvTranspose.
 */
final class ConvRule implements GradientRule {
  /** Past the end of any axis. */
  private static final long END = Long.MAX_VALUE;

  /** A convolution's attributes, its axes counted from the first spatial one. */
  @SuppressWarnings("ArrayRecordComponent") // compared by no one
  private record Window(long[] kernel, long[] strides, long[] dilations, long[] pads) {
    int axes() {
      return kernel.length;
    }

    boolean dense() {
      return Arrays.stream(strides).allMatch(s -> s == 1);
    }

    boolean isPadded() {
      return Arrays.stream(pads).anyMatch(p -> p != 0);
    }

    /** How far the kernel reaches beyond its first element. */
    long reach(int axis) {
      return dilations[axis] * (kernel[axis] - 1);
    }

    /** The padding under which the flipped kernel gives the input's size back. */
    long[] oppositePads() {
      return IntStream.range(0, 2 * axes()).mapToLong(i -> reach(i % axes()) - pads[i]).toArray();
    }

    long elements() {
      return Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
    }
  }

  private static Window window(NodeGradient node) {
    List<Dimension> weight = node.shape(node.input(1)).dimensions();
    int axes = weight.size() - 2;
    long[] pads = node.integers("pads", 2 * axes, 0);
    return new Window(
        weight.stream().skip(2).mapToLong(Dimension::size).toArray(),
        node.integers("strides", axes, 1),
        node.integers("dilations", axes, 1),
        node.text("auto_pad", "NOTSET").equals("VALID") ? new long[2 * axes] : pads);
  }

  @Override
  public void check(NodeGradient node) {
    if (node.integer("group", 1) != 1) {
      throw node.unsupported("group " + node.integer("group", 1) + ": only 1 is known");
    }
    if (!List.of("NOTSET", "VALID").contains(node.text("auto_pad", "NOTSET"))) {
      throw node.unsupported("auto_pad " + node.text("auto_pad", "") + ": expected explicit pads");
    }
    if (!node.shape(node.input(1)).dimensions().stream().allMatch(Dimension::isFixed)) {
      throw node.unsupported("weights of unknown shape " + node.shape(node.input(1)).shapeText());
    }
    if (node.wants(0) && !convolvesBack(window(node))) {
      for (String tensor : List.of(node.input(0), node.output())) {
        if (node.shape(tensor).dimensions().stream().skip(2).anyMatch(d -> !d.isFixed())) {
          throw node.unsupported("strides over axes of unknown size: " + node.shape(tensor));
        }
      }
    }
  }

  @Override
  public void backward(NodeGradient node) {
    Window window = window(node);
    if (node.wants(2)) {
      node.give(2, ChannelSums.sum(node, node.gradient(), node.shape(node.output())));
    }
    if (node.wants(1)) {
      node.give(1, weightGradient(node, window));
    }
    if (node.wants(0)) {
      node.give(0, inputGradient(node, window));
    }
  }

  private static String weightGradient(NodeGradient node, Window window) {
    OperatorWriter write = node.write();
    String padded = node.input(0);
    if (window.isPadded()) {
      int axes = window.axes();
      long[] pads = new long[2 * (axes + 2)];
      System.arraycopy(window.pads(), 0, pads, 2, axes);
      System.arraycopy(window.pads(), axes, pads, axes + 4, axes);
      padded = write.pad(padded, pads);
    }
    String dy = write.reshape(node.gradient(), 0, 0, -1); // [B, O, places]
    List<String> products = new ArrayList<>();
    long[] element = new long[window.axes()];
    do {
      String read = write.reshape(shifted(write, padded, window, element), 0, 0, -1);
      String perSample = write.matMul(dy, write.transpose(read, 0, 2, 1)); // [B, O, C]
      products.add(write.reduceSum(perSample, true, 0));
    } while (next(element, window.kernel()));
    if (products.size() == 1) {
      return write.reshapeTo(products.get(0), write.shape(node.input(1)));
    }
    String stacked = write.transpose(write.concat(0, products), 1, 2, 0); // [O, C, elements]
    return write.reshapeTo(stacked, write.shape(node.input(1)));
  }

  /** What one kernel element reads, in the order of the results: {@code [B, C, *results]}. */
  private static String shifted(
      OperatorWriter write, String padded, Window window, long[] element) {
    if (window.elements() == 1 && window.dense()) {
      return padded;
    }
    long[] starts = new long[window.axes()];
    long[] ends = new long[window.axes()];
    for (int axis = 0; axis < window.axes(); axis++) {
      starts[axis] = window.dilations()[axis] * element[axis];
      // counted from the end, so that the image's size need not be known; where the stride leaves
      // a rest, the step skips it just as the convolution did
      long beyond = window.reach(axis) - starts[axis];
      ends[axis] = beyond == 0 ? END : -beyond;
    }
    long[] axes = LongStream.range(2, 2 + window.axes()).toArray();
    return write.slice(padded, axes, starts, ends, window.strides());
  }

  /** Counts through the kernel's elements, last axis fastest; false after the last one. */
  private static boolean next(long[] element, long[] kernel) {
    for (int axis = kernel.length - 1; axis >= 0; axis--) {
      if (++element[axis] < kernel[axis]) {
        return true;
      }
      element[axis] = 0;
    }
    return false;
  }

  private static boolean convolvesBack(Window window) {
    return window.dense() && Arrays.stream(window.oppositePads()).allMatch(p -> p >= 0);
  }

  private static String inputGradient(NodeGradient node, Window window) {
    OperatorWriter write = node.write();
    if (!convolvesBack(window)) {
      return write.emit(
          "ConvTranspose",
          List.of(node.gradient(), node.input(1)),
          OperatorWriter.integers("kernel_shape", window.kernel()),
          OperatorWriter.integers("strides", window.strides()),
          OperatorWriter.integers("dilations", window.dilations()),
          OperatorWriter.integers("pads", window.pads()),
          OperatorWriter.integers("output_padding", outputPadding(node, window)));
    }
    int axes = window.axes();
    long[] exchanged = LongStream.range(0, axes + 2).map(i -> i < 2 ? 1 - i : i).toArray();
    String kernel = write.transpose(node.input(1), exchanged);
    if (window.elements() > 1) {
      kernel =
          write.slice(
              kernel,
              LongStream.range(2, 2 + axes).toArray(),
              LongStream.generate(() -> -1).limit(axes).toArray(),
              LongStream.generate(() -> -END).limit(axes).toArray(),
              LongStream.generate(() -> -1).limit(axes).toArray());
    }
    return write.emit(
        "Conv",
        List.of(node.gradient(), kernel),
        OperatorWriter.integers("kernel_shape", window.kernel()),
        OperatorWriter.integers("dilations", window.dilations()),
        OperatorWriter.integers("pads", window.oppositePads()));
  }

  /** The places at the end of the input that no window reached. */
  private static long[] outputPadding(NodeGradient node, Window window) {
    long[] rest = new long[window.axes()];
    for (int axis = 0; axis < rest.length; axis++) {
      long input = node.shape(node.input(0)).dimensions().get(axis + 2).size();
      long places = node.shape(node.output()).dimensions().get(axis + 2).size();
      long reached = (places - 1) * window.strides()[axis] + window.reach(axis) + 1;
      long padded = input + window.pads()[axis] + window.pads()[axis + rest.length];
      rest[axis] = padded - reached;
    }
    return rest;
  }
}
