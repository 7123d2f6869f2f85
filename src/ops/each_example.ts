/**
 * The rule of vectorization that every operation has: one application for every example.
 *
 * @module
 */
import type { Aval } from "../ir/aval.ts";
import type { Batched } from "../ir/primitive.ts";
import { applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { concat } from "./concat.ts";
import { reshape } from "./reshape.ts";
import { slice } from "./slice_pad.ts";

/**
 * Applies a node's primitive to one example after the other and stacks the results.
 *
 * @param node The application to a single example.
 * @param operands Its operands, some with a batch axis in front.
 * @param batch Number of examples.
 * @returns The results, each with a batch axis in front.
 */
export function eachExample<P>(
  { primitive, params, inputs, outputs }: Node<P>,
  operands: readonly Batched[],
  batch: number,
): readonly Tensor[] {
  const examples = Array.from({ length: batch }, (_, at) =>
    applyAll(
      primitive,
      params,
      operands.map(({ tensor, batched }, k) => batched ? example(tensor, at, inputs[k]!) : tensor),
    ));
  return outputs.map((_, k) =>
    concat(examples.map((results) => reshape(results[k]!, [1, ...results[k]!.shape])), 0)
  );
}

/** One example of a batched tensor. */
function example(tensor: Tensor, at: number, { shape }: Aval): Tensor {
  const start = tensor.shape.map((_, axis) => axis === 0 ? at : 0);
  return reshape(slice(tensor, { start, shape: [1, ...shape] }), shape);
}
