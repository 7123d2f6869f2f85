/**
 * Arithmetic on trees of tensors. Tensors that are not `f32` are left as they are.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { mul } from "../tensor/arithmetic.ts";
import { zerosLike } from "../tensor/create.ts";
import { stack } from "../tensor/join.ts";
import { mapTree } from "../tree/tree.ts";

/** Sum of two trees of one structure. */
export function addTrees<T>(a: T, b: T): T {
  return mapTree<T>((x: Tensor, y: Tensor) => x.dtype === "f32" ? add(x, y) : x, a, b);
}

/** A tree times a number or a scalar. */
export function scaleTree<T>(tree: T, factor: number | Tensor): T {
  if (factor === 1) return tree;
  return mapTree<T>((x: Tensor) => x.dtype === "f32" ? mul(x, factor) : x, tree);
}

/** Zeros like every tensor of a tree. */
export function zerosLikeTree<T>(tree: T): T {
  return mapTree<T>(zerosLike, tree);
}

/** Trees of one structure, stacked along a new first axis. */
export function stackTrees<T>(trees: readonly T[]): T {
  return mapTree<T>((...leaves: Tensor[]) => stack(leaves), ...(trees as [T, ...T[]]));
}
