/**
 * Vectorization: a function of one example becomes a function of a batch.
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import { withBatch } from "../ops/elementwise.ts";
import { permute } from "../ops/reshape.ts";
import { input } from "../ops/source.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import { nodesAfter } from "./jvp.ts";
import { at } from "./trace.ts";
import { axesOfLeaves, type VmapAxes } from "./vmap_axes.ts";

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

/** Options of {@linkcode vmap}. */
export interface VmapOptions {
  /** Place of the batch axis in every tensor of the result, or in each of them; 0 unless told. */
  readonly outAxes?: VmapAxes;
}

/**
 * Vectorizes a function over axes of its arguments.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param axes For each argument the axis that is mapped, or `null` for an argument that all examples share;
 *   negative axes count from the last. Instead of one axis for all tensors of an argument, arrays and objects
 *   that follow its structure name one for each. Default: axis 0 of every argument.
 * @param options Where the batch axis of the results is; in front unless told.
 * @returns A function of the batched arguments; every tensor of its result has a batch axis.
 * @throws {TypeError} If no argument is mapped, the mapped extents differ, or axes do not follow an argument.
 *
 * @example
 * ```ts
 * import { constant, mul, type Tensor, valuesOf, vmap } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const scale = ({ x, by }: { x: Tensor; by: Tensor }) => mul(x, by);
 * const batched = vmap(scale, [{ x: 1, by: null }], { outAxes: -1 });
 * const y = batched({ x: constant([[1, 2], [3, 4]]), by: constant(10) });
 * assertEquals(valuesOf(y), [10, 20, 30, 40]);
 * ```
 */
export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  axes?: readonly VmapAxes[],
  options: VmapOptions = {},
): (...args: A) => R {
  requireCall("vmap", arguments, 1, 3);
  requireOptions("vmap", options, { outAxes: true });
  const { outAxes = 0 } = options;
  if (typeof fn !== "function" || (axes !== undefined && !Array.isArray(axes))) {
    throw new TypeError(
      `Cannot vectorize ${describe(fn)} over ${
        describe(axes)
      }: expected a function and an array with ` +
        `the axis of each argument, as in vmap(fn, [0, null]).`,
    );
  }
  return (...args) => {
    const mapped = new Map<Tensor, Tensor>();
    let batch: number | undefined;
    const inner = args.map((argument, position) => {
      const wanted = axes === undefined ? 0 : axes[position] ?? null;
      if (wanted === null) return argument;
      const { leaves, structure, paths } = flatten<Tensor>(argument);
      const leafAxes = axesOfLeaves(wanted, structure, `argument ${position}`);
      return unflatten(
        structure,
        leaves.map((leaf, k) => {
          const given = leafAxes[k]!;
          if (given === null) return leaf;
          requireTensor(`vectorize over argument ${position}${at(paths[k]!)}`, leaf);
          const axis = given < 0 ? given + leaf.rank : given;
          const extent = leaf.shape[axis];
          if (extent === undefined || (batch !== undefined && batch !== extent)) {
            throw new TypeError(
              `Cannot vectorize over axis ${given} of argument ${position}${at(paths[k]!)}: found ${
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
    const batched = batchGraph(result.leaves, mapped, batch);
    const places = axesOfLeaves(outAxes, result.structure, "the result");
    return unflatten<R>(
      result.structure,
      batched.map((tensor, k) => moveBatch(tensor, places[k]!, result.paths[k]!)),
    );
  };
}

/** Moves the batch axis from the front to its place. */
function moveBatch(tensor: Tensor, place: number | null, path: string): Tensor {
  const axis = place !== null && place < 0 ? place + tensor.rank : place;
  if (axis === null || !Number.isInteger(axis) || axis < 0 || axis >= tensor.rank) {
    throw new TypeError(
      `Cannot put the batch axis at ${place} of the result${at(path)}: found ${
        formatAval(tensor)
      }, ` +
        `expected ${-tensor.rank} to ${tensor.rank - 1}.`,
    );
  }
  const order = tensor.shape.map((_, k) => k).slice(1);
  return permute(tensor, order.toSpliced(axis, 0, 0));
}
