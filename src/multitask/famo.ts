import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { adam } from "../optim/adam.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import {
  add,
  div,
  greater,
  log,
  maximum,
  mul,
  onesLike,
  softmax,
  sub,
  sum,
  where,
  zeros,
  zerosLike,
} from "../tensor/mod.ts";
import { mapTree } from "../tree/tree.ts";
import { tasksOf, type Weighting, type WeightingState } from "./weighting.ts";

/** Options of {@linkcode famo}. */
export interface FamoOptions {
  /** Step size of the logits; 0.025 unless told. */
  readonly rate?: number;
  /** Decay of the logits, added to their gradient; 0.001 unless told. */
  readonly decay?: number;
  /** What no loss falls below, the same for all tasks; 0 unless told. */
  readonly least?: number;
  /** Moves the logits; Adam unless told. */
  readonly optimizer?: Optimizer;
}

/** Losses are told from their bound down to this. */
const TINY = 1e-30;

/**
 * FAMO: weights that let the logarithms of all losses fall at the same rate, from the losses alone.
 *
 * Weights are `c z / loss`, `z` the softmax of logits and `c` such that they add up to 1. After the
 * step the losses are measured again on the same batch, and the logits of the tasks whose
 * logarithm fell by less than the mean rise: {@linkcode Weighting.observe}. Where that was not
 * called, the losses of the next step are taken for those after this one, which are of another
 * batch and so noisier.
 *
 * Losses below `least` count as just above it (1e-30).
 *
 * Source: Liu et al., arXiv 2306.03792, algorithm 1, with Adam on the logits as in the experiments
 * of the paper (`optimizer: sgd()` is the algorithm as printed).
 *
 * @param options Step size and decay of the logits, bound of the losses, optimizer.
 * @returns The method, for positive losses; its weights add up to 1, its state is `logits`,
 *   `losses` (before the step), `pending` (1 until they are observed) and that of the optimizer.
 *
 * @example
 * ```ts
 * import { constant, eye, famo, valuesOf } from "@mutasesumele/toolkit";
 * import { assert, assertAlmostEquals } from "@std/assert";
 *
 * const method = famo();
 * const inputs = { losses: constant([1, 3]), gram: eye(2) };
 * const first = method.weigh({ ...inputs, state: method.init(2) });
 * assertAlmostEquals(valuesOf(first.weights)[0]!, 0.75);
 * // Only the first loss falls: the second one gains weight.
 * const state = method.observe!(first.state, constant([0.5, 3]));
 * assert(valuesOf(method.weigh({ ...inputs, state }).weights)[0]! < 0.75);
 * ```
 */
export function famo(options: FamoOptions = {}): Weighting {
  requireOptions("famo", options, {
    rate: is.optionalNumber,
    decay: is.optionalNumber,
    least: is.optionalNumber,
    optimizer: true,
  });
  const { rate = 0.025, decay = 0.001, least = 0 } = options;
  const optimizer = options.optimizer ?? adam();
  const logarithm = (losses: Tensor): Tensor => log(maximum(sub(losses, least), TINY));

  const moved = (
    { logits, losses, pending, ...memory }: WeightingState,
    after: Tensor,
  ): WeightingState => {
    const fall = sub(logarithm(losses!), logarithm(after));
    // Jacobian of the softmax times the fall.
    const z = softmax(logits!);
    const slope = add(mul(z, sub(fall, sum(mul(z, fall)))), mul(logits!, decay));
    const updated = optimizer.update(slope, memory, logits!, { rate });
    return {
      ...(updated.state as WeightingState),
      logits: updated.params,
      losses: losses!,
      pending: zerosLike(pending!),
    };
  };

  return {
    name: "famo",
    scale: "one",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({
      ...(optimizer.init(zeros([tasks])) as WeightingState),
      logits: zeros([tasks]),
      losses: zeros([tasks]),
      pending: zeros([]),
    }),
    weigh({ losses, gram, state }) {
      tasksOf("FAMO", { losses, gram, state });
      const late = greater(state["pending"]!, 0);
      const current = mapTree<WeightingState>(
        (fresh: Tensor, old: Tensor) => where(late, fresh, old),
        moved(state, losses),
        state,
      );
      const unscaled = div(softmax(current["logits"]!), maximum(sub(losses, least), TINY));
      return {
        weights: div(unscaled, sum(unscaled)),
        state: { ...current, losses, pending: onesLike(state["pending"]!) },
      };
    },
    observe: moved,
  };
}
