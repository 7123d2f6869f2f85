import { formatAval } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add, matmul, mul, reshape, slice, stack, transpose } from "../tensor/mod.ts";
import { assertSameStructure, flatten, unflatten } from "../tree/tree.ts";

/**
 * Inner products of gradients with each other.
 *
 * On a device squares below 1e-38 or above 1e38 are no numbers: elements below 1e-19 count as 0, and
 * a gradient longer than 1e19 is infinite. Between, methods do not depend on the scale.
 *
 * @param grads One tree of gradients for each task, all of one structure; leaves that are not `f32`
 *   count nothing.
 * @param others Gradients of which the other factors are; the same ones unless told.
 * @returns The matrix `f32[tasks, tasks]` of sums over all parameters.
 * @throws {TypeError} If there is no tree, no `f32` leaf, or the structures differ.
 *
 * @example
 * ```ts
 * import { constant, gramMatrix, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const grads = [{ w: constant([1, 0]) }, { w: constant([2, 3]) }];
 * assertEquals(valuesOf(gramMatrix(grads)), [1, 2, 2, 13]);
 * ```
 */
export function gramMatrix(
  grads: readonly unknown[],
  others: readonly unknown[] = grads,
): Tensor {
  requireCall("gramMatrix", arguments, 1, 2);
  const lists = leavesOf(grads);
  const columns = others === grads ? lists : leavesOf(others);
  const real = lists[0]!.map((_, k) => k).filter((k) => lists[0]![k]!.dtype === "f32");
  return real
    .map((k) => {
      const rows = flat(lists, k);
      return matmul(rows, transpose(columns === lists ? rows : flat(columns, k)));
    })
    .reduce((total, part) => add(total, part));
}

/**
 * Sum of gradients, each times its weight.
 *
 * @param grads One tree of gradients for each task, all of one structure.
 * @param weights The weights `f32[tasks]`.
 * @returns A tree of that structure; leaves that are not `f32` are those of the first tree.
 * @throws {TypeError} If there is no tree, no `f32` leaf, the structures differ, or the weights do
 *   not fit.
 *
 * @example
 * ```ts
 * import { combineGradients, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const grads = [{ w: constant([1, 0]) }, { w: constant([2, 3]) }];
 * assertEquals(valuesOf(combineGradients(grads, constant([1, 2])).w), [5, 6]);
 * ```
 */
export function combineGradients<P>(grads: readonly P[], weights: Tensor): P {
  requireCall("combineGradients", arguments, 2);
  const lists = leavesOf(grads);
  if (weights.rank !== 1 || weights.shape[0] !== grads.length) {
    throw new TypeError(
      `Cannot combine ${grads.length} gradients by the weights ${formatAval(weights)}: expected ` +
        `f32[${grads.length}].`,
    );
  }
  const each = grads.map((_, task) => slice(weights, [task]));
  const combined = lists[0]!.map((first, k) =>
    first.dtype !== "f32"
      ? first
      : lists.map((leaves, task) => mul(leaves[k]!, each[task]!)).reduce((a, b) => add(a, b))
  );
  return unflatten<P>(flatten(grads[0]).structure, combined);
}

/** Gradients of one leaf as rows `[tasks, size]`. */
function flat(lists: readonly Tensor[][], leaf: number): Tensor {
  return stack(lists.map((leaves) => reshape(leaves[leaf]!, [leaves[leaf]!.size])));
}

/**
 * Leaves of each task's gradients.
 *
 * @param grads One tree of gradients for each task.
 * @returns Their leaves.
 * @throws {TypeError} If there is no tree, no `f32` leaf, or the structures differ.
 */
export function leavesOf(grads: readonly unknown[]): Tensor[][] {
  const trees = grads.map((tree) => flatten<Tensor>(tree));
  if (!trees[0]?.leaves.some(({ dtype }) => dtype === "f32")) {
    throw new TypeError(
      "Cannot combine gradients: found none, expected one tree of f32 tensors for each task.",
    );
  }
  for (const { structure } of trees) {
    assertSameStructure(trees[0]!.structure, structure, "combine gradients");
  }
  return trees.map(({ leaves }) => leaves);
}
