/**
 * Small quadratic programs, solved exactly: every set of constraints is tried, and the solution that
 * fulfils the conditions of the optimum best is taken.
 *
 * There is no branch and no iteration that may end too early, so the solvers are programs like
 * others, and the derivative of a solution is that of its linear system.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import {
  abs,
  add,
  argMax,
  constant,
  div,
  equal,
  expandDims,
  eye,
  greater,
  isNan,
  logicalOr,
  matmul,
  max,
  maximum,
  min,
  minimum,
  mul,
  reshape,
  slice,
  stack,
  sub,
  sum,
  takeRows,
  where,
} from "../tensor/mod.ts";
import { solvePositive, unitGram } from "./linear_algebra.ts";

/** Most tasks of which all subsets are tried. */
export const MOST_TASKS = 10;

/**
 * Throws if there are too many tasks to try all subsets.
 *
 * @param name Name of the method.
 * @param tasks Number of tasks.
 * @throws {RangeError} If there are more than {@linkcode MOST_TASKS}.
 */
export function demandFew(name: string, tasks: number): void {
  if (tasks > MOST_TASKS) {
    throw new RangeError(
      `Cannot weigh ${tasks} tasks by ${name}: all of their subsets are tried, expected at most ` +
        `${MOST_TASKS} tasks. Join some, or use a method such as nashMtl().`,
    );
  }
}

/**
 * All subsets of some elements.
 *
 * @param count Number of elements.
 * @param options Whether the empty subset is one of them, the first; it is not unless told.
 * @returns For each subset a row of ones and zeros, `f32[subsets, count]`.
 */
export function subsets(
  count: number,
  { empty = false }: { readonly empty?: boolean } = {},
): Tensor {
  const first = empty ? 0 : 1;
  return constant(
    Array.from(
      { length: 2 ** count - first },
      (_, k) => Array.from({ length: count }, (_, bit) => ((k + first) >> bit) & 1),
    ),
  );
}

/**
 * Solves a system on every subset: rows and columns outside of it are those of the identity.
 *
 * @param faces The subsets `f32[subsets, n]`.
 * @param matrix `[n, n]`, or one for each subset.
 * @param right Right sides `[n, columns]`, or one for each subset.
 * @returns The solutions `[subsets, n, columns]`, 0 outside of the subset.
 */
export function solveOnFaces(faces: Tensor, matrix: Tensor, right: Tensor): Tensor {
  const column = expandDims(faces, 2);
  const within = mul(column, expandDims(faces, 1));
  const apart = mul(sub(1, column), eye(faces.shape[1]!));
  return solvePositive(add(mul(within, matrix), apart), mul(column, right));
}

/**
 * Takes the candidate whose worst condition is fulfilled best.
 *
 * @param candidates One a row, `[subsets, n]`.
 * @param conditions For each candidate numbers that are at least 0 at the optimum.
 * @returns The candidate `[n]`.
 */
export function fulfilling(candidates: Tensor, conditions: Tensor): Tensor {
  const worst = min(conditions, { axes: 1 });
  // NaN would be taken for the largest; a candidate that is no number fulfils nothing.
  const best = argMax(where(isNan(worst), -Infinity, worst));
  return reshape(takeRows(candidates, best), [candidates.shape[1]!]);
}

/**
 * Weights of the shortest convex combination of vectors.
 *
 * With `v_i` the coefficient of the unit vector `u_i`: minimize `v' C v`, where `z' v = 1`, `v >= 0`.
 * The solution fulfils `C v >= lambda z`, with equality where `v` is positive.
 *
 * Source: the trick of adding ones to a singular matrix: Wolfe, "Finding the nearest point in a
 * polytope", Mathematical Programming 11, 1976.
 *
 * @param cosines `C`, inner products of the unit vectors, `[n, n]`.
 * @param z One over the lengths of the vectors, `[n]`, the largest of them 1.
 * @returns Weights of the vectors `[n]`, adding up to 1.
 */
export function shortestPoint(cosines: Tensor, z: Tensor): Tensor {
  const faces = subsets(z.shape[0]!);
  // On a face C v = lambda z. So does (C + z z') v, which is regular even where the combination
  // is 0; the shortest vector of the face counts as 1, or the lengths would drown the angles.
  const onFace = mul(faces, z);
  const own = div(onFace, max(onFace, { axes: 1, keepAxes: true }));
  const right = expandDims(own, 2);
  const shifted = add(cosines, mul(right, expandDims(own, 1)));
  const solved = reshape(solveOnFaces(faces, shifted, right), faces.shape);
  const v = div(solved, maximum(total(abs(solved)), 1e-30));
  // Equality on the face follows, as v' (C v - lambda z) = 0.
  const slopes = matmul(v, cosines);
  const lambda = div(total(mul(v, slopes)), maximum(total(mul(v, z)), 1e-30));
  const found = fulfilling(v, minimum(v, sub(slopes, mul(lambda, z))));
  const weights = mul(maximum(found, 0), z);
  return div(weights, sum(weights));
}

/**
 * Coefficients of the shortest direction that descends on several objectives and on a constraint.
 *
 * Minimizes `|sum w_i g_i + v q|^2 / 2 - strength |q|^2 v` over weights `w` of the simplex and `v >= 0`,
 * the dual of: `d` of least length with `<g_i, d>` at least alike and `<q, d> >= strength |q|^2`.
 *
 * @param gram Inner products of the objectives' gradients and, in the last row, the constraint's.
 * @param strength How much of the constraint's squared gradient it has to fall by.
 * @returns `w` and `v`, `[objectives + 1]`; objectives without a gradient have no weight.
 */
export function shortestDescent(gram: Tensor, strength: number): Tensor {
  const size = gram.shape[0]!;
  const { cosines, lengths, inverse } = unitGram(gram);
  const last = constant(Array.from({ length: size }, (_, k) => k === size - 1 ? 1 : 0));
  const tasks = sub(1, last);
  // In units of the shortest objective's gradient; u are the coefficients of unit gradients.
  const unit = max(mul(inverse, tasks));
  const scale = where(greater(unit, 0), unit, 1);
  const z = div(inverse, scale);
  const [taskZ, wanted] = [mul(z, tasks), mul(mul(mul(lengths, scale), last), strength)];
  const faces = subsets(size);
  const onFace = mul(faces, taskZ);
  const longest = max(onFace, { axes: 1, keepAxes: true });
  const own = div(onFace, where(greater(longest, 0), longest, 1));
  const shifted = add(cosines, mul(expandDims(own, 2), expandDims(own, 1)));
  const right = stack([own, mul(faces, wanted)], { axis: 2 });
  const solved = solveOnFaces(faces, shifted, right);
  const [x, y] = [0, 1].map((column) => slice(solved, [null, null, column]));
  const [alongX, alongY] = [total(mul(x!, taskZ)), total(mul(y!, taskZ))];
  const u = add(mul(div(sub(1, alongY), maximum(alongX, 1e-30)), x!), y!);
  const products = matmul(u, cosines);
  const multiplier = total(mul(mul(u, products), tasks));
  const slack = sub(products, add(mul(multiplier, taskZ), wanted));
  const scaled = div(minimum(u, slack), maximum(total(abs(u)), 1e-30));
  // Without an objective the weights do not add up to 1, unless none has a gradient: then the constraint is left.
  const counted = logicalOr(greater(longest, 0), equal(max(taskZ), 0));
  const found = fulfilling(u, where(counted, scaled, -1));
  return mul(maximum(found, 0), z);
}

/** Sums of rows, as a column. */
function total(x: Tensor): Tensor {
  return sum(x, { axes: 1, keepAxes: true });
}
