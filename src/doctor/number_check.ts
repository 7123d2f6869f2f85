/**
 * What an engine makes of numbers that are not finite: measured, because compilers of shaders
 * differ. What they mean stands at `isNan()`.
 *
 * @module
 */
import type { Engine } from "../engine/engine.ts";
import { hostArray } from "../ir/host_array.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/** Outcome of one check. */
export interface NumberCheck {
  /** What was computed. */
  readonly name: string;
  /** Whether the result is the one that IEEE 754 asks for. */
  readonly kept: boolean;
  /** Whether every engine must keep it; otherwise it is for information. */
  readonly promised: boolean;
}

interface Row {
  readonly name: string;
  readonly promised: boolean;
  readonly x: readonly number[];
  readonly wanted: readonly number[];
  fn(x: Tensor): Tensor;
}

const [inf, nan] = [Infinity, NaN];
const of = (x: Tensor, value: number): Tensor => ops.like(x, value);
const row = (
  name: string,
  fn: Row["fn"],
  [x, wanted, promised = true]: readonly [readonly number[], readonly number[], boolean?],
): Row => ({ name, promised, x, wanted, fn });

const ROWS: readonly Row[] = [
  row("NaN in sums", (x) => ops.sum(x, [0]), [[1, nan, 2, 3, 4], [nan]]),
  row("NaN in maxima", (x) => ops.reduceMax(x, [0]), [[1, nan, 2, 3, 4], [nan]]),
  row("-Infinity as a maximum", (x) => ops.reduceMax(x, [0]), [[-inf, -inf], [-inf]]),
  row("NaN in argmax", (x) => ops.convert(ops.argMax(x, [0]), "f32"), [[1, 2, nan, inf], [2]]),
  row("NaN in maximum", (x) => ops.maximum(x, of(x, 1)), [[nan, inf, -inf], [nan, inf, 1]]),
  row("NaN in minimum", (x) => ops.minimum(x, of(x, 1)), [[nan, inf, -inf], [nan, 1, -inf]]),
  row("NaN in relu", (x) => ops.maximum(of(x, 0), x), [[nan, inf, -inf, -1], [nan, inf, 0, 0]]),
  row("NaN in sign", ops.sign, [[nan, inf, -inf], [nan, 1, -1]]),
  row("NaN in tanh", ops.tanh, [[nan, inf, -inf], [nan, 1, -1]]),
  row("NaN in exp", ops.exp, [[nan, inf, -inf], [nan, inf, 0]]),
  row("NaN in log", ops.log, [[nan, inf, 0, -1], [nan, inf, -inf, nan]]),
  row("NaN of sin(Infinity)", ops.sin, [[nan, inf], [nan, nan]]),
  row("NaN in powers", (x) => ops.pow(x, 1.5), [[nan, inf, 0, -1], [nan, inf, 0, nan]]),
  row("NaN of x - x", (x) => ops.sub(x, x), [[nan, inf, 3], [nan, nan, 0]]),
  row("NaN of x * 0", (x) => ops.mul(x, of(x, 0)), [[nan, inf, 3], [nan, nan, 0]]),
  row("NaN of 0 / 0", (x) => ops.div(x, of(x, 0)), [[0, 1, -1], [nan, inf, -inf]]),
  row("isNan", (x) => ops.convert(ops.isNan(x), "f32"), [[nan, inf, 0], [1, 0, 0]]),
  row("casts beyond i32", (x) => ops.convert(ops.convert(x, "i32"), "f32"), [
    [nan, inf, -3e9],
    [0, 2 ** 31 - 128, -(2 ** 31)],
  ]),
  row("NaN in (x + 1) - x", (x) => ops.sub(ops.add(x, of(x, 1)), x), [
    [nan, inf],
    [nan, nan],
    false,
  ]),
  row("rounding in (x + 1) - x", (x) => ops.sub(ops.add(x, of(x, 1)), x), [[1e8], [0], false]),
  row("NaN in x == x", (x) => ops.convert(ops.equal(x, x), "f32"), [[nan, 1], [0, 1], false]),
  row("numbers below 1.2e-38", (x) => ops.mul(x, of(x, 0.5)), [[1e-38], [5e-39], false]),
];

/**
 * Measures what an engine makes of numbers that are not finite.
 *
 * @param engine The engine.
 * @returns One outcome for each check.
 */
export async function numberChecks(engine: Engine): Promise<NumberCheck[]> {
  const inputs = ROWS.map(({ x }) => hostArray(x));
  const run = engine.jit((xs: Tensor[]) => ROWS.map(({ fn }, k) => fn(xs[k]!)));
  const values = await run(inputs);
  const results: NumberCheck[] = [];
  for (const [k, value] of values.entries()) {
    const { data } = await engine.read(value);
    engine.release(value);
    const { name, promised, wanted } = ROWS[k]!;
    const kept = wanted.every((number, at) => {
      const found = data[at]!;
      return Number.isFinite(number)
        ? Math.abs(found - number) <= 1e-5 * Math.abs(number)
        : Object.is(found, number);
    });
    results.push({ name, kept, promised });
  }
  return results;
}
