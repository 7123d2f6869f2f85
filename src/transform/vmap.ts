/**
 * Vectorization: a function of one example becomes a function of a batch.
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import { withBatch } from "../ops/elementwise.ts";
import { permute } from "../ops/reshape.ts";
import { input } from "../ops/source.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import { nodesAfter } from "./jvp.ts";
import { at } from "./trace.ts";

/**
 * Batched versions of `outputs` from batched versions of tensors they are computed from.
 *
 * @param outputs The tensors to batch.
 * @param mapped For each tensor that varies, its version with a batch axis in front.
 * @param batch Extent of the batch axis.
 * @returns The outputs with a batch axis in front; those that do not vary are repeated.
 */
export function batchGraph(
  outputs: readonly Tensor[],
  mapped: ReadonlyMap<Tensor, Tensor>,
  batch: number,
): Tensor[] {
  const batched = new Map<Tensor, Tensor>(mapped);
  for (const node of nodesAfter(outputs, [...mapped.keys()])) {
    if (!node.inputs.some((tensor) => batched.has(tensor))) continue;
    const operands = node.inputs.map((tensor) => {
      const found = batched.get(tensor);
      return { tensor: found ?? tensor, batched: found !== undefined };
    });
    const results = node.primitive.vmap(node, operands, batch);
    node.outputs.forEach((output, k) => {
      const result = results[k]!;
      if (
        result.dtype !== output.dtype || result.shape.join() !== [batch, ...output.shape].join()
      ) {
        throw new Error(
          `Cannot vectorize '${node.primitive.name}': its rule gave ${formatAval(result)}, ` +
            `expected ${formatAval({ shape: [batch, ...output.shape], dtype: output.dtype })}.`,
        );
      }
      batched.set(output, result);
    });
  }
  return outputs.map((output) =>
    batched.get(output) ?? withBatch({ tensor: output, batched: false }, batch)
  );
}

/**
 * Vectorizes a function over axes of its arguments.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param axes For each argument the axis that is mapped (of every tensor in it), or `null` for an
 *   argument that all examples share. Default: axis 0 of every argument.
 * @returns A function of the batched arguments; every tensor of its result has the batch axis in
 *   front.
 * @throws {TypeError} If no argument is mapped or the mapped extents differ.
 */
export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  axes?: readonly (number | null)[],
): (...args: A) => R {
  return (...args) => {
    const mapped = new Map<Tensor, Tensor>();
    let batch: number | undefined;
    const inner = args.map((argument, position) => {
      const axis = axes === undefined ? 0 : axes[position] ?? null;
      if (axis === null) return argument;
      const { leaves, structure, paths } = flatten<Tensor>(argument);
      return unflatten(
        structure,
        leaves.map((leaf, k) => {
          const extent = leaf.shape[axis];
          if (extent === undefined || (batch !== undefined && batch !== extent)) {
            throw new TypeError(
              `Cannot vectorize over axis ${axis} of argument ${position}${at(paths[k]!)}: found ${
                formatAval(leaf)
              }, expected ${batch === undefined ? "that axis" : `extent ${batch} there`}.`,
            );
          }
          batch = extent;
          const rest = leaf.shape.map((_, k) => k).filter((k) => k !== axis);
          const example = input({ shape: rest.map((k) => leaf.shape[k]!), dtype: leaf.dtype });
          mapped.set(example, permute(leaf, [axis, ...rest]));
          return example;
        }),
      );
    });
    if (batch === undefined) {
      throw new TypeError("Cannot vectorize a function: no argument is mapped.");
    }
    const result = flatten<Tensor>(fn(...inner as unknown as A));
    return unflatten<R>(result.structure, batchGraph(result.leaves, mapped, batch));
  };
}
