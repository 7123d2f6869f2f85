import * as is from "../ir/kinds.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { sgd } from "../optim/sgd.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  abs,
  clip,
  div,
  exp,
  maximum,
  mul,
  ones,
  onesLike,
  sub,
  sum,
  zeros,
} from "../tensor/mod.ts";
import { solveCosines, unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting, type WeightingState } from "./weighting.ts";

/** Options of {@linkcode imtlLoss} and {@linkcode imtl}. */
export interface ImtlOptions {
  /** Step size of the logarithms of the weights; 0.025 unless told. */
  readonly rate?: number;
  /** Moves the logarithms of the weights; gradient descent unless told. */
  readonly optimizer?: Optimizer;
}

/** Largest logarithm of a weight: losses from 1e-17 to 1e17. */
const LARGEST = 40;

/**
 * IMTL-L: weights `e^s` that make all weighted losses 1; `s` descends on `e^s loss - s`.
 *
 * A loss that is not positive has no rest; the logarithm ends at 40.
 *
 * Source: Liu et al., "Towards impartial multi-task learning", ICLR 2021, equation 7.
 *
 * @param options Step size and optimizer of the logarithms.
 * @returns The method; its weights have no common scale, its state is `logWeights` and that of the
 *   optimizer.
 *
 * @example
 * ```ts
 * import { constant, eye, imtlLoss, valuesOf } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const method = imtlLoss();
 * const inputs = { losses: constant([1, 9]), gram: eye(2) };
 * const first = method.weigh({ ...inputs, state: method.init(2) });
 * assertEquals(valuesOf(first.weights), [1, 1]);
 * assert(valuesOf(method.weigh({ ...inputs, state: first.state }).weights)[1]! < 1);
 * ```
 */
export function imtlLoss(options: ImtlOptions = {}): Weighting {
  requireOptions("imtlLoss", options, { rate: is.optionalNumber, optimizer: true });
  const { rate = 0.025, optimizer = sgd() } = options;
  return {
    name: "imtl-l",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({
      ...(optimizer.init(zeros([tasks])) as WeightingState),
      logWeights: zeros([tasks]),
    }),
    weigh(inputs) {
      tasksOf("IMTL-L", inputs);
      const { logWeights, ...memory } = inputs.state;
      const weights = exp(logWeights!);
      const slope = sub(mul(weights, inputs.losses), 1);
      const moved = optimizer.update(slope, memory, logWeights!, { rate });
      return {
        weights,
        state: {
          ...(moved.state as WeightingState),
          logWeights: clip(moved.params, { low: -LARGEST, high: LARGEST }),
        },
      };
    },
  };
}

/** Least sum of weights, as part of their magnitudes. */
const LEAST_SUM = 0.1;
/** Where all gradients are 0. */
const TINY = 1e-30;

/**
 * IMTL-G: the weights, adding up to 1, whose combined gradient has projections of one length onto
 * all gradients, so that no scale of a loss favours it. Weights may be negative; heads learn from
 * their own losses.
 *
 * Source: Liu et al., "Towards impartial multi-task learning", ICLR 2021, equation 4, solved as
 * `C v = 1` for the coefficients `v` of the unit gradients: the same projections, and no inverse of
 * differences.
 *
 * Where the weights' signs differ so much that their sum is below a tenth of their magnitudes, this
 * tenth counts as the sum: dividing by less, or by a negative sum, would make all losses rise.
 *
 * @returns The method; its weights add up to 1. Gradients that are 0 are left out.
 *
 * @example
 * ```ts
 * import { constant, imtlGradient, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const gram = constant([[1, 0], [0, 9]]);
 * const { weights } = imtlGradient().weigh({ losses: constant([1, 1]), gram, state: {} });
 * assertAlmostEquals(valuesOf(weights)[0]!, 3 / 4, 1e-6);
 * ```
 */
export function imtlGradient(): Weighting {
  requireCall("imtlGradient", arguments);
  return {
    name: "imtl-g",
    scale: "one",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("IMTL-G", inputs);
      return { weights: impartial(inputs.gram, ones([tasks])), state: inputs.state };
    },
  };
}

/**
 * Weights of gradients that combine those of scaled losses impartially.
 *
 * @param gram Inner products of the gradients `[n, n]`.
 * @param scales What each loss is multiplied by, `[n]`; weights of the scaled gradients, which are
 *   those of the gradients over this, add up to 1.
 */
function impartial(gram: Tensor, scales: Tensor): Tensor {
  const { cosines, inverse } = unitGram(gram);
  const weights = mul(solveCosines(cosines, onesLike(scales)), inverse);
  const shares = div(weights, scales);
  const least = mul(sum(abs(shares)), LEAST_SUM);
  return div(weights, maximum(maximum(sum(shares), least), TINY));
}

/**
 * IMTL: losses are scaled by {@linkcode imtlLoss}; what a task has for itself gets the gradient of its
 * scaled loss, the shared parameters those of all scaled losses combined by {@linkcode imtlGradient}.
 *
 * Source: Liu et al., "Towards impartial multi-task learning", ICLR 2021, algorithm 1.
 *
 * @param options Those of {@linkcode imtlLoss}.
 * @returns The method; its weights are those of the scaled gradients, which add up to 1, times the
 *   scales; its state is that of {@linkcode imtlLoss}.
 *
 * @example
 * ```ts
 * import { constant, eye, imtl, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const method = imtl();
 * const inputs = { losses: constant([1, 9]), gram: eye(2), state: method.init(2) };
 * const { weights, own } = method.weigh(inputs);
 * assertAlmostEquals(valuesOf(weights)[0]!, 0.5);
 * assertEquals(valuesOf(own!), [1, 1]);
 * ```
 */
export function imtl(options: ImtlOptions = {}): Weighting {
  requireOptions("imtl", options, { rate: is.optionalNumber, optimizer: true });
  const loss = imtlLoss(options);
  return {
    ...loss,
    name: "imtl",
    needsGradients: true,
    weigh(inputs) {
      const { weights: own, state } = loss.weigh(inputs);
      return { weights: impartial(inputs.gram, own), own, state };
    },
  };
}
