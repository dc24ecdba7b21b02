package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Matrix products {@code [.., m, k] [.., k, n]} over any batch axes, which broadcast; vectors count
 * as matrices of one row or one column.
 */
final class MatMulRule implements GradientRule {

  @Override
  public void backward(NodeGradient node) {
    Operand a = new Operand(node, 0, 0);
    Operand b = new Operand(node, 1, 1);
    if (node.wants(0)) {
      String product = node.write().matMul(resultGradient(node), b.transposed());
      a.give(product, a.sizes.get(a.rank() - 2), a.sizes.get(a.rank() - 1));
    }
    if (node.wants(1)) {
      if (b.rank() == 2 && a.rank() > 2 && b.sizes.stream().allMatch(Dimension::isFixed)) {
        node.give(1, sharedWeightGradient(node, b));
      } else {
        String product = node.write().matMul(a.transposed(), resultGradient(node));
        b.give(product, b.sizes.get(b.rank() - 2), b.sizes.get(b.rank() - 1));
      }
    }
  }

  /** One product over all rows of the batch, where a product each would have to be summed. */
  private static String sharedWeightGradient(NodeGradient node, Operand b) {
    OperatorWriter write = node.write();
    String rows = write.reshape(node.input(0), -1, b.sizes.get(0).size());
    String results = write.reshape(resultGradient(node), -1, b.sizes.get(1).size());
    String product = write.matMul(write.transpose(rows, 1, 0), results);
    return node.reshapeLike(product, node.input(1));
  }

  /** The result's gradient with the axes that vectors took away. */
  private static String resultGradient(NodeGradient node) {
    OperatorWriter write = node.write();
    String dy = node.gradient();
    int rank = node.shape(node.output()).rank();
    if (node.shape(node.input(1)).rank() == 1) {
      dy = write.unsqueeze(dy, rank);
      rank++;
    }
    return node.shape(node.input(0)).rank() == 1 ? write.unsqueeze(dy, rank - 1) : dy;
  }

  /** An input as matrices. */
  private static final class Operand {
    private final NodeGradient node;
    private final int index;
    private final int addedAxis;
    private final List<Dimension> sizes;

    /**
     * @param addedAxis where a vector gets its second axis
     */
    Operand(NodeGradient node, int index, int addedAxis) {
      this.node = node;
      this.index = index;
      this.addedAxis = addedAxis;
      this.sizes = new ArrayList<>(node.dimensions(node.input(index)));
      if (isVector()) {
        sizes.add(addedAxis, Dimension.fixed(1));
      }
    }

    private boolean isVector() {
      return node.shape(node.input(index)).rank() == 1;
    }

    int rank() {
      return sizes.size();
    }

    String transposed() {
      OperatorWriter write = node.write();
      String tensor = node.input(index);
      if (isVector()) {
        return write.unsqueeze(tensor, 1 - addedAxis);
      }
      int last = rank() - 1;
      return write.transpose(
          tensor,
          LongStream.rangeClosed(0, last).map(i -> i < last - 1 ? i : 2L * last - 1 - i).toArray());
    }

    /** Hands back a product {@code [batch.., rows, columns]}, summed over repeated batch axes. */
    void give(String product, Dimension rows, Dimension columns) {
      List<Dimension> from = new ArrayList<>(batch());
      from.add(rows);
      from.add(columns);
      String sum = node.unbroadcast(product, from, node.input(index), sizes, 2);
      node.give(index, isVector() ? node.reshapeLike(sum, node.input(index)) : sum);
    }

    private List<Dimension> batch() {
      int matrixAxes = 0;
      for (int i = 0; i < 2; i++) {
        matrixAxes += node.shape(node.input(i)).rank() == 1 ? 0 : 1;
      }
      List<Dimension> result = node.dimensions(node.output());
      return result.subList(0, result.size() - matrixAxes);
    }
  }
}
