/**
 * The start-up guard: proof that every declared meta-parameter really is learned, second order
 * included.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireCall } from "../ir/options.ts";
import { flatten, unflatten, uniquePaths } from "../tree/tree.ts";
import {
  type ComparedLeaf,
  compareWithDifferences,
  type DifferenceOptions,
  type DirectionalCheck,
  type HostNumbers,
  normOf,
  randomDirection,
} from "./directional_check.ts";
import type { MetaOrder } from "./meta_gradient.ts";

export type { DirectionalCheck, HostNumbers } from "./directional_check.ts";

/** What the guard needs. */
export interface GuardOptions {
  /**
   * Evaluates the meta-gradient at `meta` on any engine.
   *
   * @param order Asked for is the order of `order`; if that is exact, first order as well.
   * @returns Outer loss, and gradients as a tree of the structure of `meta`.
   */
  readonly gradient: (order: MetaOrder) => Promise<{
    readonly loss: number;
    readonly grads: unknown;
  }>;
  /**
   * Evaluates the outer loss elsewhere, with the data and key of `gradient`.
   *
   * @param meta The meta-parameters to evaluate at, a tree of the structure of `meta`.
   */
  readonly loss: (meta: unknown) => Promise<number>;
  /** The meta-parameters, a tree with host arrays as leaves. */
  readonly meta: unknown;
  /** Order of the meta-gradient; finite differences are compared only if it is exact. */
  readonly order: MetaOrder;
  /**
   * Accepted difference of directional derivative and finite difference, relative to what second
   * order adds to the derivative; default 0.05, which suits `f32` engines where second order is a
   * large part of the gradient. On the float64 reference interpreter 1e-4 holds.
   */
  readonly tolerance?: number;
  /**
   * Smallest part of a directional derivative that finite differences can tell from none; default
   * 0.01, which suits `f32`. In float64 it is 1e-6. Second order must be larger by one over
   * `tolerance` to be judged.
   */
  readonly resolution?: number;
  /** Largest step, relative to the norm of each parameter; default 0.03. */
  readonly largestStep?: number;
  /** How many steps are tried, each a quarter of the one before; default 6. */
  readonly scans?: number;
  /** Seed of the random direction; default 1. */
  readonly seed?: number;
  /**
   * Group of a parameter, by its path; each group is compared by itself, so that a small one does
   * not hide behind a large one. Default: the first part of the path.
   */
  readonly groupOf?: (path: string) => string;
  /**
   * Paths of parameters whose gradient is zero by construction and that are not to be complained
   * about, such as heads at first order. They are not moved, and never blamed.
   */
  readonly exempt?: (path: string) => boolean;
}

/** What the guard found. */
export interface GuardReport {
  /** Outer loss at the start. */
  readonly loss: number;
  /** Norm of the gradient of every meta-parameter, by path. */
  readonly norms: Readonly<Record<string, number>>;
  /**
   * Comparison with finite differences of every group, by its name; `null` at first order, which
   * is no derivative of the outer loss.
   */
  readonly directional: Readonly<Record<string, DirectionalCheck>> | null;
}

/** A wrong gradient disagrees along every direction; one that meets a kink of the loss may not. */
const DIRECTIONS = 2;

/** A parameter that is compared. */
interface Parameter extends ComparedLeaf {
  readonly path: string;
  readonly position: number;
}

/**
 * Proves that every meta-parameter receives a finite, non-zero gradient, and that random
 * directional finite differences of the outer loss agree with the gradient, to a small part of what
 * second order adds to it.
 *
 * What second order adds is often a thousandth of the gradient: a comparison relative to the whole
 * would accept its loss. So each group of parameters is moved along its correction, the exact less
 * the first-order gradient, each element times a random number in [0, 2), and the difference is
 * judged relative to the correction's own size. Where second order adds nothing, such as at a head
 * that no inner loss has, the direction is the gradient, and the difference must be below what
 * finite differences resolve. If a group disagrees, every parameter of it is tried alone to name the
 * wrong one. With `g` groups this takes two gradients and, where all is well, about `2 g` losses.
 *
 * @param options Loss and gradients, meta-parameters and tolerances.
 * @returns What was found.
 * @throws {Error} Names the first parameter whose gradient is missing, not finite, zero or wrong, or
 *   a group whose second order is too small to be seen.
 *
 * @example
 * ```ts
 * import { guardMetaGradient } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals, assertRejects } from "@std/assert";
 *
 * // One inner step of rate 0.1 on x^2, judged by (x - 1)^2.
 * const adapted = (x: number) => x - 0.1 * 2 * x;
 * const loss = (x: number) => (adapted(x) - 1) ** 2;
 * const gradient = (second: number) => 2 * (adapted(3) - 1) * (1 - 0.1 * second);
 * const guard = (second: number) =>
 *   guardMetaGradient({
 *     meta: { x: new Float64Array([3]) },
 *     order: "exact",
 *     gradient: (order) => {
 *       const x = new Float64Array([gradient(order === "exact" ? second : 0)]);
 *       return Promise.resolve({ loss: loss(3), grads: { x } });
 *     },
 *     loss: (meta) => Promise.resolve(loss((meta as { x: Float64Array }).x[0]!)),
 *   });
 * const { norms } = await guard(2);
 * assertAlmostEquals(norms["x"]!, 2 * 1.4 * 0.8);
 * await assertRejects(() => guard(2 * 0.9), Error, "the gradient of 'x' is wrong");
 * ```
 */
export async function guardMetaGradient(options: GuardOptions): Promise<GuardReport> {
  requireCall("guardMetaGradient", arguments, 1);
  const { gradient } = options;
  requireArguments("guardMetaGradient", { gradient, loss: options.loss }, {
    gradient: is.callback,
    loss: is.callback,
  });
  const { meta, order, exempt = () => false, groupOf = (path) => path.split(".")[0]! } = options;
  const flat = flatten<HostNumbers>(meta);
  const { leaves, structure } = flat;
  const paths = uniquePaths(flat, "prove that meta-parameters are learned");
  requireArguments("guardMetaGradient", { meta: leaves }, { meta: is.listOf(is.list) });
  const { loss, grads } = await gradient(order);
  if (!Number.isFinite(loss)) {
    throw new Error(
      `Cannot start meta-learning: the outer loss is ${loss}, expected a finite number. ` +
        `Lower the inner rate or look for a logarithm or division of zero in the losses.`,
    );
  }
  const gradients = gradientsByPath(leaves, paths, grads);
  const norms = checkedNorms(gradients, paths, { order, exempt });
  if (order !== "exact") return { loss, norms, directional: null };

  const first = gradientsByPath(leaves, paths, (await options.gradient("first")).grads);
  const groups = new Map<string, Parameter[]>();
  leaves.forEach((values, position) => {
    const path = paths[position]!;
    if (exempt(path)) return;
    const group = groupOf(path);
    const parameter = {
      ...{ values, path, position },
      exact: gradients[position]!,
      first: first[position]!,
    };
    groups.set(group, [...groups.get(group) ?? [], parameter]);
  });
  const lossAt = (moved: readonly HostNumbers[]) => options.loss(unflatten(structure, moved));
  const directional: Record<string, DirectionalCheck> = {};
  for (const [name, members] of groups) {
    directional[name] = await compareGroup({ name, members }, { leaves, lossAt }, options);
  }
  return { loss, norms, directional };
}

/** Compares a group with finite differences, and names the parameter that is wrong. */
async function compareGroup(
  { name, members }: { readonly name: string; readonly members: readonly Parameter[] },
  { leaves, lossAt }: {
    readonly leaves: readonly HostNumbers[];
    readonly lossAt: (moved: readonly HostNumbers[]) => Promise<number>;
  },
  { tolerance = 0.05, resolution = 0.01, largestStep = 0.03, scans = 6, seed = 1 }: GuardOptions,
): Promise<DirectionalCheck> {
  const how: DifferenceOptions = { tolerance, resolution, largestStep, scans };
  const random = mulberry32(seed);
  const compare = (chosen: readonly (Parameter & { readonly direction: HostNumbers })[]) =>
    compareWithDifferences(chosen, (step) => {
      const moved = [...leaves];
      for (const { position, values, direction } of chosen) {
        moved[position] = Float64Array.from(values, (value, i) => value + step * direction[i]!);
      }
      return lossAt(moved);
    }, how);
  let check: DirectionalCheck | undefined;
  let directed: (Parameter & { readonly direction: HostNumbers })[] = [];
  for (let attempt = 0; attempt < DIRECTIONS; attempt++) {
    directed = members.map((member) => ({
      ...member,
      direction: randomDirection(member, how, random),
    }));
    const { verdict, ...found } = await compare(directed);
    if (verdict === "agrees") return found;
    if (verdict === "unseen") throw unseen(name, found, how);
    check = found;
  }
  for (const member of directed) {
    const { verdict, ...alone } = await compare([member]);
    if (verdict === "differs") throw disagreement(`'${member.path}'`, alone, how);
  }
  throw disagreement(`the group '${name}'`, check!, how);
}

function disagreement(
  what: string,
  check: DirectionalCheck,
  { tolerance }: DifferenceOptions,
): Error {
  const { predicted, correction, measured, step, error } = check;
  return new Error(
    `Cannot start meta-learning: the gradient of ${what} is wrong: it gives a directional ` +
      `derivative of ${predicted}, of which second order is ${correction}, finite differences of ` +
      `the outer loss give ${measured} (step ${step}). They differ by ${error} of second order (of ` +
      `the whole, if that is 0), expected at most ${tolerance}. Look for stopGradient or a custom ` +
      `derivative rule on its way to the loss, and for randomness that does not come from the key.`,
  );
}

function unseen(
  group: string,
  check: DirectionalCheck,
  { tolerance, resolution }: DifferenceOptions,
): Error {
  return new Error(
    `Cannot start meta-learning: second order is only ${check.correction} of the directional ` +
      `derivative ${check.predicted} of the group '${group}'; finite differences resolve ` +
      `${resolution} of the whole and are to prove second order to ${tolerance}. Raise the inner ` +
      `rate of the guard, or run it on a reference engine that holds float64.`,
  );
}

/** Norm of every gradient by path; throws at one that is not finite or zero. */
function checkedNorms(
  gradients: readonly HostNumbers[],
  paths: readonly string[],
  { order, exempt }: { readonly order: MetaOrder; readonly exempt: (path: string) => boolean },
): Record<string, number> {
  const norms: Record<string, number> = {};
  gradients.forEach((gradient, k) => {
    const path = paths[k]!;
    const norm = normOf(gradient);
    if (!Number.isFinite(norm)) {
      throw new Error(
        `Cannot start meta-learning: the gradient of '${path}' holds ${
          gradient.find((value) => !Number.isFinite(value)) ?? "numbers whose squares are infinite"
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
  return norms;
}

function gradientsByPath(
  leaves: readonly HostNumbers[],
  paths: readonly string[],
  grads: unknown,
): HostNumbers[] {
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
