import { requireCall } from "../../ir/options.ts";
/**
 * Placebos: inner steps of the right length into a random direction.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import { foldIn, normal } from "../../random/mod.ts";
import { add, div, maximum, mul, sqrt, square, sum } from "../../tensor/mod.ts";
import { flatten, mapTree } from "../../tree/tree.ts";
import type { Params } from "../../nn/mod.ts";
import type { Placebo } from "./placebo.ts";
import { withInnerGradient } from "./with_inner_gradient.ts";

/** Added to squared norms, so that a gradient of 0 gives a step of 0. */
const TINY = 1e-30;

/**
 * Inner steps go into a random direction, drawn anew for every task and step, as far as the gradient
 * would have gone; the direction is a constant of the meta-gradient.
 *
 * @returns The placebo.
 *
 * @example
 * ```ts
 * import { randomDirection } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(randomDirection().name, "random-direction");
 * ```
 */
export function randomDirection(): Placebo {
  requireCall("randomDirection", arguments);
  return {
    name: "random-direction",
    inner: (loss) =>
      withInnerGradient(loss, (gradient, key) => {
        const noise = noiseLike(gradient, key);
        const scale = div(normOf(leavesOf(gradient)), normOf(leavesOf(noise)));
        return mapTree<Params>((x: Tensor) => mul(x, scale), noise);
      }),
  };
}

/**
 * Instead of inner steps, every tensor of the backbone gets Gaussian noise as long as its own gradient
 * step; drawn anew for every task and step, a constant of the meta-gradient.
 *
 * @returns The placebo.
 *
 * @example
 * ```ts
 * import { weightNoise } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(weightNoise().name, "weight-noise");
 * ```
 */
export function weightNoise(): Placebo {
  requireCall("weightNoise", arguments);
  return {
    name: "weight-noise",
    inner: (loss) =>
      withInnerGradient(loss, (gradient, key) =>
        mapTree<Params>(
          (x: Tensor, noise: Tensor) => mul(noise, div(normOf([x]), normOf([noise]))),
          gradient,
          noiseLike(gradient, key),
        )),
  };
}

function leavesOf(tree: Params): readonly Tensor[] {
  return flatten<Tensor>(tree).leaves;
}

function normOf(tensors: readonly Tensor[]): Tensor {
  return sqrt(maximum(tensors.map((x) => sum(square(x))).reduce(add), TINY));
}

/** Gaussian noise in the shapes of a tree. */
function noiseLike(tree: Params, key: Tensor): Params {
  let drawn = 0;
  return mapTree<Params>((x: Tensor) => normal(foldIn(key, drawn++), x.shape), tree);
}
