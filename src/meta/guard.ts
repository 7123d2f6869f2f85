/**
 * The start-up guard: proof that every declared meta-parameter really is learned.
 *
 * @module
 */
import { flatten, unflatten } from "../tree/tree.ts";
import type { MetaOrder } from "./meta_gradient.ts";

/** Numbers on the host. */
export type HostNumbers = Float32Array | Float64Array;

/** What the guard needs. */
export interface GuardOptions {
  /**
   * Evaluates the meta-gradient on any engine, always with the same data and key.
   *
   * @param meta The meta-parameters to evaluate at, a tree of the structure of `meta`.
   * @returns Outer loss, and gradients as a tree of that structure.
   */
  readonly evaluate: (meta: unknown) => Promise<{
    readonly loss: number;
    readonly grads: unknown;
  }>;
  /** The meta-parameters, a tree with host arrays as leaves. */
  readonly meta: unknown;
  /** Order of the meta-gradient; finite differences are compared only if it is exact. */
  readonly order: MetaOrder;
  /**
   * Accepted relative difference of directional derivative and finite difference; default 0.05,
   * which suits `f32` engines. On the float64 reference interpreter 1e-5 holds.
   */
  readonly tolerance?: number;
  /** Largest step, relative to the norm of each parameter; default 0.03. */
  readonly largestStep?: number;
  /** How often the step is divided by 4; default 6. */
  readonly scans?: number;
  /** Seed of the random direction; default 1. */
  readonly seed?: number;
  /**
   * Paths of parameters whose gradient is zero by construction and that are not to be complained
   * about, such as heads at first order.
   */
  readonly exempt?: (path: string) => boolean;
}

/** The comparison of a directional derivative with finite differences. */
export interface DirectionalCheck {
  /** Derivative along the direction, from the gradient. */
  readonly predicted: number;
  /** Central finite difference of the outer loss. */
  readonly measured: number;
  /** The step at which it was taken. */
  readonly step: number;
  /** Their relative difference. */
  readonly error: number;
}

/** What the guard found. */
export interface GuardReport {
  /** Outer loss at the start. */
  readonly loss: number;
  /** Norm of the gradient of every meta-parameter, by path. */
  readonly norms: Readonly<Record<string, number>>;
  /** Finite differences; `null` at first order, which is no derivative of the outer loss. */
  readonly directional: DirectionalCheck | null;
}

interface Point {
  readonly leaves: readonly HostNumbers[];
  readonly paths: readonly string[];
}

/**
 * Proves that every meta-parameter receives a finite, non-zero gradient, and that a random
 * directional finite difference of the outer loss agrees with the gradient.
 *
 * The direction is the gradient of each parameter, each element times a random number in [0, 2),
 * scaled to the norm of the parameter: random, yet well above the rounding of `f32`. The step is
 * scanned from large to small; the finite difference that changes least between two steps counts.
 * If the whole direction disagrees, every parameter is tried alone to name the wrong one.
 *
 * @param options Evaluation, meta-parameters and tolerances.
 * @returns What was found.
 * @throws {Error} Names the first parameter whose gradient is missing, not finite, zero or wrong.
 *
 * @example
 * ```ts
 * import { guardMetaGradient } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const report = await guardMetaGradient({
 *   meta: { x: new Float64Array([3]) },
 *   order: "exact",
 *   evaluate: (meta) => {
 *     const x = (meta as { x: Float64Array }).x[0]!;
 *     return Promise.resolve({ loss: x * x, grads: { x: new Float64Array([2 * x]) } });
 *   },
 * });
 * assertEquals(report.norms, { x: 6 });
 * ```
 */
export async function guardMetaGradient(options: GuardOptions): Promise<GuardReport> {
  const { evaluate, meta, order, tolerance = 0.05, exempt = () => false } = options;
  const { leaves, structure, paths } = flatten<HostNumbers>(meta);
  const { loss, grads } = await evaluate(meta);
  if (!Number.isFinite(loss)) {
    throw new Error(
      `Cannot start meta-learning: the outer loss is ${loss}, expected a finite number. ` +
        `Lower the inner rate or look for a logarithm or division of zero in the losses.`,
    );
  }
  const gradients = gradientsByPath({ leaves, paths }, grads);
  const norms: Record<string, number> = {};
  gradients.forEach((gradient, k) => {
    const path = paths[k]!;
    const norm = normOf(gradient);
    if (!Number.isFinite(norm)) {
      throw new Error(
        `Cannot start meta-learning: the gradient of '${path}' holds ${
          gradient.find((value) => !Number.isFinite(value))
        }, expected finite numbers. Look for sqrt, log or division at zero on its way to the loss.`,
      );
    }
    if (norm === 0 && !exempt(path)) {
      throw new Error(
        `Cannot start meta-learning: the gradient of '${path}' is zero, expected a non-zero one. ` +
          `The outer loss (order ${order}) does not depend on it: look for stopGradient, or do ` +
          `not declare it as a meta-parameter.`,
      );
    }
    norms[path] = norm;
  });
  if (order !== "exact") return { loss, norms, directional: null };

  const random = mulberry32(options.seed ?? 1);
  const direction = leaves.map((leaf, k) => randomDirection(leaf, gradients[k]!, random));
  const lossAt = async (moved: readonly HostNumbers[]): Promise<number> =>
    (await evaluate(unflatten(structure, moved))).loss;
  const compare = (parts: readonly number[]): Promise<DirectionalCheck> =>
    compareWithDifferences({ leaves, gradients, direction, parts, lossAt }, options);

  const directional = await compare(leaves.map((_, k) => k));
  if (directional.error <= tolerance) return { loss, norms, directional };
  for (let k = 0; k < leaves.length; k++) {
    const alone = await compare([k]);
    if (!(alone.error <= tolerance)) throw disagreement(`'${paths[k]}'`, alone, tolerance);
  }
  throw disagreement("all parameters together", directional, tolerance);
}

function disagreement(what: string, check: DirectionalCheck, tolerance: number): Error {
  return new Error(
    `Cannot start meta-learning: the gradient of ${what} gives a directional derivative of ` +
      `${check.predicted}, finite differences of the outer loss give ${check.measured} (step ` +
      `${check.step}, relative difference ${check.error}), expected agreement to ${tolerance}. ` +
      `Look for stopGradient or a custom derivative rule on its way to the loss, and for ` +
      `randomness that does not come from the key.`,
  );
}

function gradientsByPath({ leaves, paths }: Point, grads: unknown): HostNumbers[] {
  const found = flatten<HostNumbers>(grads);
  return leaves.map((leaf, k) => {
    const gradient = found.leaves[found.paths.indexOf(paths[k]!)];
    if (gradient?.length !== leaf.length) {
      throw new Error(
        `Cannot start meta-learning: the gradient of '${paths[k]}' has ${
          gradient === undefined ? "no" : gradient.length
        } elements, expected ${leaf.length}.`,
      );
    }
    return gradient;
  });
}

function normOf(values: HostNumbers): number {
  let total = 0;
  for (const value of values) total += value * value;
  return Math.sqrt(total);
}

function randomDirection(
  leaf: HostNumbers,
  gradient: HostNumbers,
  random: () => number,
): HostNumbers {
  const direction = Float64Array.from(gradient, (value) => value * 2 * random());
  const norm = normOf(direction);
  // A parameter that starts at zero is moved as if its elements were 0.01.
  const size = Math.max(normOf(leaf), 0.01 * Math.sqrt(leaf.length));
  return norm === 0 ? direction : direction.map((value) => value * size / norm);
}

async function compareWithDifferences(
  { leaves, gradients, direction, parts, lossAt }: {
    readonly leaves: readonly HostNumbers[];
    readonly gradients: readonly HostNumbers[];
    readonly direction: readonly HostNumbers[];
    readonly parts: readonly number[];
    readonly lossAt: (moved: readonly HostNumbers[]) => Promise<number>;
  },
  { largestStep = 0.03, scans = 6, tolerance = 0.05 }: GuardOptions,
): Promise<DirectionalCheck> {
  let predicted = 0;
  for (const k of parts) {
    gradients[k]!.forEach((value, i) => predicted += value * direction[k]![i]!);
  }
  const moved = (step: number): HostNumbers[] =>
    leaves.map((leaf, k) =>
      parts.includes(k) ? leaf.map((value, i) => value + step * direction[k]![i]!) : leaf
    );
  let best: { readonly measured: number; readonly step: number; readonly change: number } = {
    measured: NaN,
    step: NaN,
    change: Infinity,
  };
  let before = NaN;
  for (let scan = 0; scan < scans; scan++) {
    const step = largestStep / 4 ** scan;
    const measured = (await lossAt(moved(step)) - await lossAt(moved(-step))) / (2 * step);
    const change = Math.abs(measured - before);
    if (change < best.change) best = { measured, step, change };
    before = measured;
    // Settled: two steps in a row agree far better than is asked for.
    if (best.change <= 0.1 * tolerance * Math.abs(measured)) break;
  }
  const { measured, step } = best;
  const scale = Math.max(Math.abs(measured), Math.abs(predicted));
  const error = scale === 0 ? 0 : Math.abs(measured - predicted) / scale;
  return { predicted, measured, step, error };
}

/** A small generator for the host: 32 bits of state, numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
