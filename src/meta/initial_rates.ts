/**
 * Initial values of learned inner rates.
 *
 * @module
 */
import { requireTensor } from "../ir/require_tensor.ts";
import { requireOneOf, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { full } from "../tensor/create.ts";
import { flatten, uniquePaths } from "../tree/tree.ts";
import type { ByPath } from "./fast_weights.ts";

/** Which learned rates there are. */
export interface InitialRatesOptions {
  /** The rate that all start from. */
  readonly rate: number;
  /**
   * `"all"`: one scalar; `"tensor"` (default): a scalar for each adapted parameter tensor;
   * `"element"`: one rate for each element, as in Meta-SGD.
   */
  readonly per?: "all" | "tensor" | "element";
  /** Which parameters are adapted, by path; default: all `f32` ones. */
  readonly adapt?: (path: string) => boolean;
  /** Number of inner steps if each has rates of its own (`ratesPerStep`). */
  readonly innerSteps?: number;
}

/**
 * Makes the initial values of learned inner rates.
 *
 * @param params The parameters, a tree of tensors.
 * @param options The rate, and how many there are.
 * @returns Rates by path of the parameter (or `all`), `[step, ...]` with `innerSteps`.
 * @throws {TypeError} If an option is not known.
 * @throws {RangeError} If `per` is none of its choices.
 *
 * @example
 * ```ts
 * import { initialRates, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const rates = initialRates({ layer: { weight: zeros([2, 3]) } }, { rate: 0.1, per: "element" });
 * assertEquals(rates["layer.weight"]!.shape, [2, 3]);
 * ```
 */
export function initialRates(
  params: unknown,
  options: InitialRatesOptions,
): ByPath {
  requireOptions("initialRates", options, { rate: true, per: true, adapt: true, innerSteps: true });
  const { rate, per = "tensor", adapt, innerSteps } = options;
  requireOneOf("initialRates", ["per", per], ["all", "tensor", "element"]);
  const steps = innerSteps === undefined ? [] : [innerSteps];
  const rates = (shape: readonly number[]): Tensor => full([...steps, ...shape], { value: rate });
  if (per === "all") return { all: rates([]) };
  const flat = flatten<Tensor>(params);
  const paths = uniquePaths(flat, "make rates");
  const result: Record<string, Tensor> = {};
  flat.leaves.forEach((leaf, k) => {
    requireTensor("make rates", leaf);
    const path = paths[k]!;
    const isAdapted = adapt ? adapt(path) : leaf.dtype === "f32";
    if (isAdapted) result[path] = rates(per === "element" ? leaf.shape : []);
  });
  return result;
}
