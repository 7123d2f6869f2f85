/**
 * Forward-mode differentiation.
 *
 * @module
 */
import { formatAval, sameAval } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import type { Linear } from "../ir/primitive.ts";
import { nodesBetween } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { like } from "../ops/fill.ts";
import { identity } from "../ops/identity.ts";
import { assertSameStructure, flatten, unflatten } from "../tree/tree.ts";

/**
 * Tangents of `outputs` from the tangents of some tensors they are computed from.
 *
 * @param outputs The tensors whose tangents are wanted.
 * @param seeds The tangents of the tensors that vary; all else is constant.
 * @returns One tangent an output; `null` is zero.
 */
export function pushForward(
  outputs: readonly Tensor[],
  seeds: ReadonlyMap<Tensor, Tensor>,
): Linear[] {
  const tangents = new Map<Tensor, Tensor>(seeds);
  for (const node of nodesAfter(outputs, [...seeds.keys()])) {
    const given = node.inputs.map((tensor) => tangents.get(tensor) ?? null);
    if (node.primitive.jvp === "constant" || given.every((tangent) => !tangent)) continue;
    const results = node.primitive.jvp(node, given);
    node.outputs.forEach((output, k) => {
      const tangent = results[k];
      if (!tangent || seeds.has(output)) return;
      if (!sameAval(tangent, output)) {
        throw new Error(
          `Cannot differentiate '${node.primitive.name}': its tangent rule gave ${
            formatAval(tangent)
          }, expected ${formatAval(output)}.`,
        );
      }
      tangents.set(output, tangent);
    });
  }
  return outputs.map((output) => tangents.get(output) ?? null);
}

/** Nodes that `outputs` need and that may depend on `sources`: those created after them. */
export function nodesAfter(
  outputs: readonly Tensor[],
  sources: readonly Tensor[],
): Node[] {
  const first = Math.min(...sources.map((source) => source.node.id));
  return nodesBetween(outputs, (node) => node.id < first);
}

/**
 * Directional derivative: the result of `fn` and its tangent.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param primals The arguments at which it is differentiated.
 * @param tangents The direction, a tree of the structure of `primals`.
 * @returns `{ value, tangent }`, both of the structure of the result.
 * @throws {TypeError} If `primals` and `tangents` differ in structure or shapes.
 *
 * @example
 * ```ts
 * import { constant, jvp, mul, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const square = (x: Tensor) => mul(x, x);
 * const { value, tangent } = jvp(square, [constant([1, 2])], [constant([1, 10])]);
 * assertEquals([valuesOf(value), valuesOf(tangent)], [[1, 4], [2, 40]]);
 * ```
 */
export function jvp<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  primals: A,
  tangents: A,
): { value: R; tangent: R } {
  requireCall("jvp", arguments, 3);
  const point = flatten<Tensor>(primals);
  const direction = flatten<Tensor>(tangents);
  assertSameStructure(point.structure, direction.structure, "take a directional derivative");
  const fresh = point.leaves.map(identity);
  const seeds = new Map<Tensor, Tensor>();
  fresh.forEach((tensor, k) => {
    const tangent = direction.leaves[k]!;
    if (!sameAval(tensor, tangent)) {
      throw new TypeError(
        `Cannot take a directional derivative: the tangent at ${point.paths[k]} is ${
          formatAval(tangent)
        }, expected ${formatAval(tensor)}.`,
      );
    }
    if (tensor.dtype === "f32") seeds.set(tensor, tangent);
  });
  const value = fn(...unflatten<A>(point.structure, fresh));
  const flat = flatten<Tensor>(value);
  const pushed = pushForward(flat.leaves, seeds);
  return {
    value,
    tangent: unflatten<R>(
      flat.structure,
      flat.leaves.map((leaf, k) => pushed[k] ?? like(leaf, 0)),
    ),
  };
}
