/** Jacobi's method as a program: half as many rotations at once as there are rows. @module */
import type { Tensor } from "../ir/tensor.ts";
import { abs } from "./abs.ts";
import { add, neg, sub } from "./add.ts";
import { broadcast } from "./broadcast.ts";
import { equal, less } from "./compare.ts";
import { concat } from "./concat.ts";
import { iota, like } from "./fill.ts";
import { matmul } from "./matmul.ts";
import { spread } from "./matrices.ts";
import { div, mul } from "./mul.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { pad, slice } from "./slice_pad.ts";
import { literal } from "./source.ts";
import { rsqrt, sqrt } from "./sqrt.ts";
import { type Stage, stage } from "./stage.ts";
import { sum } from "./sum.ts";

/** The main diagonals `[..., n]` of matrices `[..., n, n]`. */
export function diagonalOf(x: Tensor): Tensor {
  return diagonalFrom(x, 0, x.shape.at(-1)!);
}

/** Elements `[..., k, k + offset]`. */
function diagonalFrom(x: Tensor, offset: number, count: number): Tensor {
  const leading = x.shape.slice(0, -2);
  const n = x.shape.at(-1)!;
  return slice(reshape(x, [...leading, n * n]), {
    start: [...leading.map(() => 0), offset],
    shape: [...leading, count],
    stride: [...leading.map(() => 1), n + 1],
  });
}

/**
 * Sweeps for matrices of `n` rows, two more than float32 was seen to need: convergence is quadratic in the
 * end, and the number grows with the logarithm of `n`.
 */
function sweepsFor(n: number): number {
  return 2 + Math.ceil(Math.log2(n));
}

/**
 * Rotates symmetric matrices until they are diagonal.
 *
 * Rows `k` and `k + n / 2` are a pair, all pairs are rotated at once, and then rows change places as in a
 * tournament where everybody meets everybody: `n - 1` equal rounds are a sweep, after which all are at
 * their places again.
 *
 * Sources: Golub and Van Loan, Matrix Computations, algorithms 8.5.1 and 8.5.3; Brent and Luk, SIAM Journal
 * on Scientific and Statistical Computing 6 (1985), for the parallel order.
 *
 * @param x Matrices `[b, n, n]` with elements about 1 or below.
 * @returns Eigenvalues `[b, n]` without order, and the vectors, rows of `[b, n, n]`.
 */
export function jacobiSweeps(x: Tensor): { readonly values: Tensor; readonly rows: Tensor } {
  const [batch, n] = x.shape as [number, number];
  // An even number of rows; the added one is zero and stays by itself.
  const size = Math.max(2, n + n % 2);
  const wide = pad(x, { low: [0, 0, 0], high: [0, size - n, size - n] });
  const [row, column] = [iota(wide.shape, [1]), iota(wide.shape, [2])];
  const identity = select(equal(row, column), like(wide, 1), like(wide, 0));
  const round = stage("a round of rotations", [wide, wide], (a, v) => roundOf(a!, v!));
  const repeat = (step: Stage, times: number): Stage => (a, v) => {
    let state: readonly Tensor[] = [a!, v!];
    for (let k = 0; k < times; k++) state = step(...state);
    return state;
  };
  const sweep = stage("a sweep of rotations", [wide, wide], repeat(round, size - 1));
  const [, v] = repeat(sweep, sweepsFor(size))(wide, identity);
  const turned = slice(v!, { start: [0, 0, 0], shape: [batch, n, n] });
  // Lengths have drifted by rounding; Rayleigh quotients of the vectors are accurate to second order.
  const lengths = rsqrt(sum(mul(turned, turned), [2]));
  const rows = mul(turned, spread(lengths, x.shape, "rows"));
  return { values: sum(mul(matmul(rows, x), rows), [2]), rows };
}

/** One rotation of every pair, and the next pairs. */
function roundOf(a: Tensor, v: Tensor): readonly Tensor[] {
  const [batch, n] = a.shape as [number, number];
  const half = n / 2;
  const all = diagonalOf(a);
  const part = (start: number): Tensor => slice(all, { start: [0, start], shape: [batch, half] });
  const apart = diagonalFrom(a, half, half);
  // The smaller root t of t^2 + 2 t gap / (2 apart) - 1, without dividing by what may be zero.
  const gap = sub(part(half), part(0));
  const twice = mul(apart, like(apart, 2));
  const length = add(abs(gap), sqrt(add(mul(gap, gap), mul(twice, twice))));
  const none = equal(length, like(length, 0));
  const signed = select(less(gap, like(gap, 0)), neg(twice), twice);
  const t = div(signed, select(none, like(length, 1), length));
  const c = rsqrt(add(mul(t, t), like(t, 1)));
  const s = mul(t, c);
  // Row i of the rotation has c at its own place, and -s or s at its partner's; rows then change places.
  const cosines = concat([c, c], 1);
  const sines = concat([neg(s), s], 1);
  const places = nextPlaces(n);
  const own = broadcast(literal(places, [n], "i32"), a.shape, [1]);
  const partner = broadcast(literal(places.map((k) => (k + half) % n), [n], "i32"), a.shape, [1]);
  const column = iota(a.shape, [2]);
  const moved = (x: Tensor): Tensor => spread(permuted(x, places), a.shape, "rows");
  const zero = like(a, 0);
  const turn = add(
    select(equal(own, column), moved(cosines), zero),
    select(equal(partner, column), moved(sines), zero),
  );
  const rotated = matmul(matmul(turn, a), turn, { transposeB: true });
  return [rotated, matmul(turn, v)];
}

/** Which row comes to each place: the first stays, the others move around a circle. */
function nextPlaces(n: number): number[] {
  const half = n / 2;
  if (half === 1) return [0, 1];
  const top = Array.from({ length: half }, (_, k) => k === 0 ? 0 : k === 1 ? half : k - 1);
  const bottom = Array.from({ length: half }, (_, k) => k < half - 1 ? half + k + 1 : half - 1);
  return [...top, ...bottom];
}

/** Elements of `[b, n]` in another order, from runs of neighbours. */
function permuted(x: Tensor, places: readonly number[]): Tensor {
  const runs: number[][] = [];
  for (const place of places) {
    const last = runs.at(-1);
    if (last && last.at(-1) === place - 1) last.push(place);
    else runs.push([place]);
  }
  return concat(
    runs.map((run) => slice(x, { start: [0, run[0]!], shape: [x.shape[0]!, run.length] })),
    1,
  );
}
