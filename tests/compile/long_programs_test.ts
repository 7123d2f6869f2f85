/** However long the chains of a program are, its kernels are not. @module */
import { assert } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import * as t from "../../src/tensor/mod.ts";
import { grad, simplify, trace } from "../../src/transform/mod.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import type { Fn, Subject } from "../cases/laws.ts";
import { uniform } from "../cases/random.ts";
import { DISCRETE_COSTS, SOFTWARE_COSTS } from "../device_traits.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";
import { webgpuTest } from "../webgpu.ts";

/** A CPU, and a GPU of many lanes. */
const ADAPTERS: readonly Partial<DeviceTraits>[] = [
  { costs: SOFTWARE_COSTS },
  { costs: DISCRETE_COSTS, subgroupLanes: 32, maxStorageBuffers: 32 },
];

/** Applies a step `count` times. */
function repeat(count: number, step: (y: Tensor, k: number, x: Tensor) => Tensor): Fn {
  return (x) => {
    let y = x!;
    for (let k = 0; k < count; k++) y = step(y, k, x!);
    return [y];
  };
}

function gradientOf(fn: Fn): Fn {
  return (x) => [grad((x: Tensor) => t.sum((fn(x) as Tensor[])[0]!))(x!)];
}

const horner = (y: Tensor, k: number, x: Tensor): Tensor => t.add(t.mul(y, x), 1 / (k + 3));
const wave = (y: Tensor, k: number, x: Tensor): Tensor =>
  [t.mul(y, 1.01), t.add(y, x), t.tanh(y)][k % 3]!;
const choose = (y: Tensor, k: number, x: Tensor): Tensor =>
  t.where(t.greater(x, k / 500), t.mul(x, k), y);
/** Rows that a number looks up, of which others are looked up. */
const look = (y: Tensor): Tensor =>
  t.takeRows(y, t.convert(t.mul(t.abs(t.sin(t.mul(y, 9))), 11), "i32"));
/** A turn whose quotients and remainders are no multiples of those before. */
const turn = (y: Tensor, k: number): Tensor =>
  t.transpose(t.reshape(y, [[3, 35], [21, 5], [7, 15]][k % 3]!));
const rotate = (y: Tensor): Tensor =>
  t.add(t.concat([t.slice(y, [[1, null]]), t.slice(y, [[0, 1]])]), t.mul(y, 0.25));
const both = (y: Tensor): Tensor => t.slice(t.concat([t.sin(y), t.cos(y)]), [[3, 15]]);

const PROGRAMS: readonly (readonly [name: string, fn: Fn, extent: number])[] = [
  ["a chain of 4,000", repeat(4000, wave), 12],
  ["a polynomial of degree 1,000", repeat(1000, horner), 12],
  ["the gradient of one of degree 200", gradientOf(repeat(200, horner)), 12],
  ["a choice of 500", repeat(500, choose), 12],
  ["its gradient", gradientOf(repeat(200, choose)), 12],
  ["what follows a sum", (x) => repeat(2500, wave)(t.sum(x!)), 12],
  ["14 times rows of rows", repeat(14, look), 12],
  ["70 reshapes and turns", repeat(70, turn), 105],
  ["30 rotations that are added up", repeat(30, rotate), 12],
  ["30 joined pairs of one tensor", repeat(30, both), 12],
  [
    "400 slices joined",
    (x) => [
      t.concat(Array.from({ length: 400 }, (_, k) => t.slice(t.sin(x!), [[k % 9, k % 9 + 3]]))),
    ],
    12,
  ],
  [
    "a sum of 500",
    (x) => [
      Array.from({ length: 500 }, (_, k) => t.sin(t.mul(x!, k))).reduce((a, b) => t.add(a, b)),
    ],
    12,
  ],
  [
    "300 stacked",
    (x) => [t.stack(Array.from({ length: 300 }, (_, k) => t.sin(t.mul(x!, k))))],
    12,
  ],
];

function subjectOf([name, fn, extent]: typeof PROGRAMS[number]): Subject {
  const next = uniform(3);
  const shape = [extent];
  const numbers = Array.from({ length: sizeOf(shape) }, () => Math.fround(0.9 * next()));
  return { name, fn, point: [ndArray({ shape, dtype: "f32" }, numbers)], varying: [0] };
}

for (const [k, traits] of ADAPTERS.entries()) {
  for (const program of PROGRAMS) {
    const [name, fn, extent] = program;
    const where = k === 0 ? "CPU" : "GPU";

    Deno.test(`kernels of ${name} are short on a ${where}`, async () => {
      const backend = new WebGpuBackend(paperGpu(MADE_UP), { traits });
      const traced = trace(fn as (...args: never[]) => unknown, [{
        shape: [extent],
        dtype: "f32",
      }]);
      const { plan } = (await backend.load(simplify(traced.program))).plan;
      for (const { label, kernel: { code } } of plan.dispatches) {
        const lines = code.split("\n").length;
        assert(lines < 1200, `${label}: ${lines} lines`);
        const longest = Math.max(...code.split("\n").slice(2).map((line) => line.length));
        assert(longest < 8000, `${label}: ${longest} characters in a line`);
      }
    });

    webgpuTest(`${name} is what it is on the reference, as a ${where} computes it`, async (gpu) => {
      const subject = subjectOf(program);
      const got = await runOn(new WebGpuBackend(gpu, { traits }), subject);
      assertAgrees(name, got, { want: referenceOf(subject), tolerance: 1e-4 });
    });
  }
}
