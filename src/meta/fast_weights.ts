/**
 * Fast weights: the parameters that the inner loop adapts, apart from those it leaves alone.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { broadcast } from "../ops/broadcast.ts";
import { flatten, unflatten, uniquePaths } from "../tree/tree.ts";

/** Tensors by the path of their leaf in the parameters, such as `encoder.0.weight`. */
export type ByPath = Readonly<Record<string, Tensor>>;

/** Parameters taken apart. */
export interface SplitParams<Params> {
  /** The parameters that the inner loop adapts. */
  readonly fast: ByPath;
  /** The parameters that it leaves alone. */
  readonly slow: ByPath;
  /** Puts parameters of the original structure together. */
  readonly join: (fast: ByPath, slow: ByPath) => Params;
}

/**
 * Takes parameters apart into fast and slow ones.
 *
 * @param params A tree of tensors.
 * @param adapt Whether the inner loop adapts the leaf of a path; default: every `f32` leaf.
 * @returns Both parts and the function that joins them.
 * @throws {RangeError} If nothing is adapted.
 * @throws {TypeError} If a leaf that is not `f32` is to be adapted, or two leaves have one path.
 */
export function splitParams<Params>(
  params: Params,
  adapt?: (path: string) => boolean,
): SplitParams<Params> {
  const flat = flatten<Tensor>(params);
  const { leaves, structure } = flat;
  const paths = uniquePaths(flat, "take parameters apart");
  const fast: Record<string, Tensor> = {};
  const slow: Record<string, Tensor> = {};
  leaves.forEach((leaf, k) => {
    const path = paths[k]!;
    const isFast = adapt ? adapt(path) : leaf.dtype === "f32";
    if (isFast && leaf.dtype !== "f32") {
      throw new TypeError(
        `Cannot adapt the parameter '${path}': it is ${leaf.dtype}, expected f32. ` +
          `Leave it out of 'adapt' or pass it among the constants.`,
      );
    }
    (isFast ? fast : slow)[path] = leaf;
  });
  if (Object.keys(fast).length === 0) {
    throw new RangeError(
      `Cannot run an inner loop: none of the parameters [${paths.join(", ")}] is adapted, ` +
        `expected at least one. Check the predicate 'adapt'.`,
    );
  }
  return {
    fast,
    slow,
    join: (some, others) => unflatten(structure, paths.map((path) => some[path] ?? others[path])),
  };
}

/** `x` repeated along a new axis in front: `[count, ...x.shape]`. */
export function repeat(x: Tensor, count: number): Tensor {
  return broadcast(x, [count, ...x.shape], x.shape.map((_, axis) => axis + 1));
}
