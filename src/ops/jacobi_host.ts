/** Jacobi's method on the host, in float64. @module */

/** An eigenvalue and its unit vector. */
export interface EigenPair {
  /** The eigenvalue. */
  readonly value: number;
  /** The vector, its element of largest magnitude positive. */
  readonly vector: Float64Array;
}

/** More sweeps than the method needs for any matrix: it converges quadratically. */
const MOST_SWEEPS = 60;

/**
 * Eigenvalues of a symmetric matrix by rotations that make one pair of elements zero at a time.
 *
 * Source: Golub and Van Loan, Matrix Computations, section 8.5 (cyclic Jacobi).
 *
 * @param a The rows, which are changed.
 * @returns The pairs by rising value; NaN where an element is not finite.
 */
export function jacobiOnHost(a: readonly Float64Array[]): EigenPair[] {
  const n = a.length;
  const v = a.map((_, k) => Float64Array.from({ length: n }, (_, j) => j === k ? 1 : 0));
  if (a.some((row) => !row.every(Number.isFinite))) {
    return v.map((vector) => ({ value: NaN, vector: vector.fill(NaN) }));
  }
  const norm = Math.hypot(...a.map((row) => Math.hypot(...row)));
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        off = Math.max(off, Math.abs(a[p]![q]!));
        rotate(a, v, [p, q]);
      }
    }
    if (off <= norm * 1e-18) break;
  }
  const pairs = v.map((vector, k): EigenPair => {
    let place = 0;
    vector.forEach((x, i) => Math.abs(x) > Math.abs(vector[place]!) && (place = i));
    const sign = vector[place]! < 0 ? -1 : 1;
    return { value: a[k]![k]!, vector: vector.map((x) => sign * x) };
  });
  return pairs.sort((x, y) => x.value - y.value);
}

/** One rotation of rows and columns `p` and `q`; `v` holds the vectors as rows. */
function rotate(
  a: readonly Float64Array[],
  v: readonly Float64Array[],
  [p, q]: readonly [number, number],
): void {
  const apart = a[p]![q]!;
  if (apart === 0) return;
  const half = (a[q]![q]! - a[p]![p]!) / (2 * apart);
  const t = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(1, half));
  const c = 1 / Math.hypot(1, t);
  const s = t * c;
  const turn = (x: Float64Array, y: Float64Array): void => {
    x.forEach((first, k) => {
      const second = y[k]!;
      x[k] = c * first - s * second;
      y[k] = s * first + c * second;
    });
  };
  turn(a[p]!, a[q]!);
  turn(v[p]!, v[q]!);
  for (const row of a) {
    const [first, second] = [row[p]!, row[q]!];
    row[p] = c * first - s * second;
    row[q] = s * first + c * second;
  }
}
