/**
 * Losses that are divided by or taken the logarithm of.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { div, greater, maximum, where } from "../tensor/mod.ts";

/** What a loss counts as that is not positive. */
const TINY = 1e-30;

/**
 * Losses for logarithms and quotients.
 *
 * @param losses Losses of any sign.
 * @returns The same, where they are above 1e-30, and 1e-30 elsewhere.
 */
export function positive(losses: Tensor): Tensor {
  return maximum(losses, TINY);
}

/**
 * Losses over earlier ones.
 *
 * @param losses Losses; below 0 they count as 0.
 * @param before Earlier losses.
 * @returns The quotients; 1 where the earlier one is not positive.
 */
export function progress(losses: Tensor, before: Tensor): Tensor {
  const known = greater(before, 0);
  return where(known, div(maximum(losses, 0), where(known, before, 1)), 1);
}
