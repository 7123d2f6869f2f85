/** How many units in the last place functions are off on devices, against float64. */
import { assert } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Backend } from "../../src/engine/engine.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { runProgram } from "../cases/device.ts";
import { FOURS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

/** A function, where it is measured, and the most units in the last place it may be off. */
type Row = readonly [
  name: string,
  fn: (x: Tensor) => Tensor,
  exact: (x: number) => number,
  range: readonly number[],
  most: number,
];

const COUNT = 1500;

function between(low: number, high: number): number[] {
  return Array.from({ length: COUNT }, (_, k) => low + (high - low) * (k + 0.37) / COUNT);
}

/** Magnitudes in equal ratios, of both signs. */
function magnitudes(low: number, high: number): number[] {
  const ratio = (high / low) ** (1 / COUNT);
  return Array.from({ length: COUNT }, (_, k) => (k % 2 ? -1 : 1) * low * ratio ** k);
}

const positive = (low: number, high: number): number[] => magnitudes(low, high).map(Math.abs);
const near1 = magnitudes(1e-6, 0.3).map((x) => 1 + x);
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The power series, which float64 adds up without harm to 1e-12 up to 3. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

const rows: readonly Row[] = [
  ["exp", t.exp, Math.exp, between(-87, 88), 2],
  ["exp near 0", t.exp, Math.exp, magnitudes(1e-8, 1), 2],
  ["expm1", t.expm1, Math.expm1, magnitudes(1e-37, 1), 3],
  ["expm1 far out", t.expm1, Math.expm1, between(-20, 88), 3],
  ["log", t.log, Math.log, positive(1e-37, 3e38), 3],
  ["log near 1", t.log, Math.log, near1, 3],
  ["log1p", t.log1p, Math.log1p, magnitudes(1e-37, 0.9), 3],
  ["log1p far out", t.log1p, Math.log1p, positive(0.3, 3e38), 3],
  // Below -85 the result is so small that adapters which flush small numbers may give 0.
  ["softplus", t.softplus, softplus, between(-85, 40), 4],
  ["elu", (x) => t.elu(x), (x) => x > 0 ? x : Math.expm1(x), magnitudes(1e-37, 20), 3],
  ["tanh", t.tanh, Math.tanh, magnitudes(1e-37, 12), 4],
  ["sigmoid", t.sigmoid, (x) => 1 / (1 + Math.exp(-x)), between(-85, 40), 3],
  ["erf", t.erf, erf, magnitudes(1e-37, 3), 5],
  ["atan", t.atan, Math.atan, magnitudes(1e-37, 1e9), 4],
  ["asin", t.asin, Math.asin, magnitudes(1e-37, 1), 5],
  ["asin near 1", t.asin, Math.asin, between(0.9, 1), 5],
  ["acos", t.acos, Math.acos, between(-1, 0.99), 5],
  ["acos near 1", t.acos, Math.acos, between(0.99, 1), 5],
  [
    "atan2",
    (x) => t.atan2(x, -0.7),
    (x) => Math.atan2(x, Math.fround(-0.7)),
    magnitudes(1e-6, 1e9),
    5,
  ],
  ["sinh", t.sinh, Math.sinh, magnitudes(1e-37, 89), 5],
  ["cosh", t.cosh, Math.cosh, magnitudes(1e-3, 89), 5],
  ["tan", t.tan, Math.tan, magnitudes(1e-37, 1.5), 5],
  ["asinh", t.asinh, Math.asinh, magnitudes(1e-37, 3e38), 5],
  ["acosh", t.acosh, Math.acosh, positive(1.01, 3e38), 5],
  ["acosh near 1", t.acosh, Math.acosh, between(1, 1.1), 5],
  ["atanh", t.atanh, Math.atanh, magnitudes(1e-37, 0.999), 5],
  ["sqrt", t.sqrt, Math.sqrt, positive(1e-37, 3e38), 2],
  ["rsqrt", t.rsqrt, (x) => 1 / Math.sqrt(x), positive(1e-37, 3e38), 3],
  ["pow 2", (x) => t.pow(x, 2), (x) => x ** 2, magnitudes(1e-15, 1e15), 1],
  ["pow 11", (x) => t.pow(x, 11), (x) => x ** 11, magnitudes(1e-3, 1e3), 12],
  ["pow 1.5", (x) => t.pow(x, 1.5), (x) => x ** 1.5, positive(1e-2, 1e2), 30],
];

/** The distance between a number's neighbours in f32. */
function unit(x: number): number {
  return 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x)))) - 23);
}

function worst(found: ArrayLike<number>, at: Float32Array, exact: Row[2]): [number, number] {
  let [most, place] = [0, 0];
  at.forEach((x, k) => {
    const error = Math.abs(found[k]! - exact(x)) / unit(exact(x));
    if (!(error <= most)) [most, place] = [error, x];
  });
  return [most, place];
}

async function assertUlps(backend: Backend, factor: Readonly<Record<string, number>>) {
  const tables = rows.map(([, , , range]) => Float32Array.from(range));
  const points = tables.map((at) => ndArray({ shape: [COUNT], dtype: "f32" }, at));
  const { program } = trace(
    (...xs: Tensor[]) => rows.map(([, fn], k) => fn(xs[k]!)),
    points.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  const results = await runProgram(backend, program, points);
  rows.forEach(([name, , exact, , most], k) => {
    const [error, place] = worst(results[k]!, tables[k]!, exact);
    const allowed = most * (factor[name] ?? 1);
    assert(
      error <= allowed,
      `${name}(${place}) is off by ${error} units in the last place, allowed ${allowed}`,
    );
  });
}

webgpuTest("functions on WebGPU are off by a few units in the last place", async (gpu) => {
  for (const traits of [{}, FOURS]) await assertUlps(new WebGpuBackend(gpu, { traits }), {});
});

Deno.test("functions on tfjs are off by a few units in the last place", async () => {
  // Its own softplus goes over to e^x at -14, where 1e-6 of it are missing.
  await assertUlps(await openTfjs() as unknown as Backend, { softplus: 3 });
});

for (const classes of [2, 3, 1000]) {
  webgpuTest(`logSoftmax of ${classes} on WebGPU is right to 4e-7 of its size`, async (gpu) => {
    const scores = Array.from({ length: 4 * classes }, (_, k) => Math.fround(30 * Math.sin(k * k)));
    const point = ndArray({ shape: [4, classes], dtype: "f32" }, scores);
    const { program } = trace((x: Tensor) => [t.logSoftmax(x)], [point]);
    const [found] = await runProgram(new WebGpuBackend(gpu), program, [point]);
    for (let row = 0; row < 4; row++) {
      const own = scores.slice(row * classes, (row + 1) * classes);
      const top = Math.max(...own);
      const total = Math.log(own.reduce((sum, x) => sum + Math.exp(x - top), 0));
      own.forEach((x, k) => {
        const wanted = x - top - total;
        const error = Math.abs(found![row * classes + k]! - wanted);
        assert(error <= 4e-7 * Math.max(1, Math.abs(wanted)), `${wanted} is off by ${error}`);
      });
    }
  });
}
