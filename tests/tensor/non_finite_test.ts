/** What reductions, losses and clipping make of numbers that are not finite, on every engine. */
import { assertEquals } from "@std/assert";
import { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { type HostArray, hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as loss from "../../src/loss/mod.ts";
import { clipByGlobalNorm } from "../../src/optim/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { FOURS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

/** A function, its operand, and what it must give. */
type Row = readonly [
  name: string,
  fn: (x: Tensor) => Tensor,
  x: HostArray,
  wanted: readonly number[],
];

const [inf, nan] = [Infinity, NaN];
const f32 = (values: number[], shape: number[] = [values.length]): HostArray =>
  hostArray(values, shape);
const slope = (fn: (x: Tensor) => Tensor) => grad((x: Tensor) => t.sum(fn(x)));
const labels = (...values: number[]): Tensor => t.constant(values, { dtype: "i32" });

/** Zeros of a shape with some numbers in it. */
function sparse(shape: number[], numbers: Readonly<Record<number, number>>): HostArray {
  const data = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0);
  for (const [at, value] of Object.entries(numbers)) data[Number(at)] = value;
  return hostArray(data, shape);
}

const reductions: readonly Row[] = [
  ["max of a NaN between numbers", (x) => t.max(x), f32([3, nan, 2]), [nan]],
  ["max of a NaN at the end", (x) => t.max(x), f32([3, 2, 5, nan]), [nan]],
  ["max of a NaN and Infinity", (x) => t.max(x), f32([nan, inf, inf, 1, 2]), [nan]],
  ["max of -Infinity alone", (x) => t.max(x), f32([-inf, -inf, -inf]), [-inf]],
  ["max of the least number", (x) => t.max(x), f32([-inf, -3.4028234663852886e38]), [
    -3.4028234663852886e38,
  ]],
  ["max of rows", (x) => t.max(x, { axes: 1 }), f32([1, nan, 2, 3, -inf, -inf], [3, 2]), [
    nan,
    3,
    -inf,
  ]],
  [
    "max of four columns",
    (x) => t.max(x, { axes: 0 }),
    f32([1, nan, 2, 3, nan, 5, -inf, 0], [2, 4]),
    [nan, nan, 2, 3],
  ],
  ["max of 1,000 numbers", (x) => t.max(x), sparse([1000], { 999: nan }), [nan]],
  ["max of 20,000 numbers in two passes", (x) => t.max(x), sparse([20_000], { 17_001: nan }), [
    nan,
  ]],
  ["min of a NaN", (x) => t.min(x), f32([1, nan, 3]), [nan]],
  ["min of infinities", (x) => t.min(x), f32([inf, inf]), [inf]],
  ["argMax of a NaN", (x) => t.argMax(x), f32([1, nan, 2]), [1]],
  ["argMax of two NaN and Infinity", (x) => t.argMax(x), f32([inf, 4, nan, inf, nan]), [2]],
  ["argMax of -Infinity alone", (x) => t.argMax(x), f32([-inf, -inf]), [0]],
  ["argMax of zeros of both signs", (x) => t.argMax(x), f32([-0, 0, -0]), [0]],
  [
    "argMax of four columns",
    (x) => t.argMax(x, { axes: 0 }),
    f32([1, nan, inf, -inf, nan, nan, nan, 7, 3, 4, nan, nan], [3, 4]),
    [1, 0, 1, 2],
  ],
  [
    "maxPool2d",
    (x) => t.maxPool2d(x),
    f32([1, nan, 5, -inf, 2, 0, 6, -inf, 3, 4, -inf, -inf, 2, 1, -inf, -inf], [1, 4, 4, 1]),
    [nan, 6, 4, -inf],
  ],
  [
    "maxPool2d of four channels",
    (x) => t.maxPool2d(x),
    f32([0, 1, nan, 3, 4, 5, 6, 7, 8, nan, -inf, 1, 2, 3, 4, inf], [1, 2, 2, 4]),
    [8, nan, nan, inf],
  ],
  [
    "maxPool2d and its gradient",
    slope((x) => t.square(t.maxPool2d(x))),
    f32([0, 1, nan, 3, 4, 5, 6, 7, 8, 1, nan, 1, 2, 3, 4, 9], [1, 2, 2, 4]),
    [0, 0, nan, 0, 0, 10, 0, 0, 16, 0, 0, 0, 0, 0, 0, 18],
  ],
  ["gradient of max at a tie", slope((x) => t.max(x)), f32([2, 5, 5]), [0, 1, 0]],
  ["gradient of max at a NaN", slope((x) => t.max(x)), f32([5, nan, nan]), [0, 1, 0]],
  ["gradient of min at a tie", slope((x) => t.min(x)), f32([2, 1, 1]), [0, 1, 0]],
  ["sum of infinities", (x) => t.sum(x), f32([inf, -inf]), [nan]],
  ["sum of a NaN among 5,000", (x) => t.sum(x), sparse([5000], { 3: nan }), [nan]],
  ["mean of Infinity", (x) => t.mean(x), f32([1, inf, 3]), [inf]],
  ["variance of a NaN", (x) => t.variance(x), f32([1, nan]), [nan]],
  ["matmul of Infinity by 0", (x) => t.matmul(x, t.zeros([2, 1])), f32([inf, 1], [1, 2]), [nan]],
  ["standardize of a NaN", (x) => t.standardize(x, [0]).normal, f32([nan, 1]), [nan, nan]],
];

const composites: readonly Row[] = [
  ["softmax of a masked score", (x) => t.softmax(t.where(t.greater(x, 0), x, -inf)), f32([1, -2]), [
    1,
    0,
  ]],
  ["softmax of masks alone", (x) => t.softmax(x), f32([-inf, -inf]), [nan, nan]],
  ["softmax of Infinity", (x) => t.softmax(x), f32([inf, 0]), [nan, nan]],
  ["logSoftmax of a mask", (x) => t.logSoftmax(x), f32([-inf, 0]), [-inf, 0]],
  ["logSumExp of -Infinity", (x) => t.logSumExp(x), f32([-inf, -inf]), [-inf]],
  ["logSumExp of Infinity", (x) => t.logSumExp(x), f32([inf, 0]), [inf]],
  ["logSumExp of a NaN", (x) => t.logSumExp(x), f32([nan, 0]), [nan]],
  ["gradient of logSumExp with a mask", slope((x) => t.logSumExp(x)), f32([-inf, 3]), [0, 1]],
  ["pad by -Infinity", (x) => t.pad(x, [[0, 1]], { value: -inf }), f32([1]), [1, -inf]],
  ["full Infinity", (x) => t.add(x, t.full([1], { value: inf })), f32([1]), [inf]],
  ["full NaN", (x) => t.maximum(x, t.full([1], { value: nan })), f32([1]), [nan]],
  ["constant of everything", (x) => t.add(x, t.constant([inf, -inf, nan])), f32([0, 0, 0]), [
    inf,
    -inf,
    nan,
  ]],
  ["where leaves out NaN", (x) => t.where(t.isNan(x), 0, x), f32([nan, inf]), [0, inf]],
  ["an attempt to take the root of -1 shows", (x) => t.relu(t.sqrt(x)), f32([-1, 4]), [nan, 2]],
  ["Infinity - Infinity shows", (x) => t.relu(t.sub(x, t.mul(x, 2))), f32([inf, 4]), [nan, 0]],
  ["x / x * 0 at 0 shows", (x) => t.clip(t.div(x, t.mul(x, 2)), { low: 0 }), f32([0, 4]), [
    nan,
    0.5,
  ]],
];

const losses: readonly Row[] = [
  [
    "cross-entropy with a masked class",
    (x) => loss.softmaxCrossEntropy(x, labels(1)),
    f32([-inf, 0, 0], [1, 3]),
    [Math.LN2],
  ],
  [
    "gradient of cross-entropy with a masked class",
    grad((x: Tensor) => loss.softmaxCrossEntropy(x, labels(1))),
    f32([-inf, 0, 0], [1, 3]),
    [0, -0.5, 0.5],
  ],
  [
    "cross-entropy of the masked class itself",
    (x) => loss.softmaxCrossEntropy(x, labels(0)),
    f32([-inf, 0, 0], [1, 3]),
    [inf],
  ],
  [
    "cross-entropy of a NaN",
    (x) => loss.softmaxCrossEntropy(x, labels(0, 1)),
    f32([1, 0, nan, 0], [2, 2]),
    [nan],
  ],
  [
    "cross-entropy of a label too large",
    (x) => loss.softmaxCrossEntropy(x, labels(0, 3)),
    sparse([2, 3], { 0: 1 }),
    [nan],
  ],
  [
    "cross-entropy of a negative label",
    (x) => loss.softmaxCrossEntropy(x, labels(-1, 2)),
    sparse([2, 3], { 0: 1 }),
    [nan],
  ],
  [
    "smoothed cross-entropy of a label too large",
    (x) => loss.softmaxCrossEntropy(x, labels(0, 3), { labelSmoothing: 0.1 }),
    sparse([2, 3], { 0: 1 }),
    [nan],
  ],
  [
    "gradient of cross-entropy of a label too large: NaN in its row, the other row is right",
    grad((x: Tensor) => loss.softmaxCrossEntropy(x, labels(0, 2))),
    sparse([2, 2], {}),
    [-0.25, 0.25, nan, nan],
  ],
  ["accuracy", (x) => loss.accuracy(x, labels(0, 0)), f32([2, 1, 1, 2], [2, 2]), [0.5]],
  ["accuracy of a label too large", (x) => loss.accuracy(x, labels(0, 2)), sparse([2, 2], {}), [
    nan,
  ]],
  ["accuracy of a NaN", (x) => loss.accuracy(x, labels(0)), f32([nan, 1], [1, 2]), [nan]],
  [
    "accuracy with a masked class",
    (x) => loss.accuracy(x, labels(1)),
    f32([-inf, 1, 0], [1, 3]),
    [1],
  ],
  [
    "binary cross-entropy of scores far out",
    (x) => loss.binaryCrossEntropy(x, t.constant([1, 0])),
    f32([20, -20]),
    [2.0611536203143943e-9],
  ],
  ["mean squared error", (x) => loss.meanSquaredError(x, t.constant([0, 0])), f32([nan, 0]), [nan]],
  ["clipping by a norm of NaN", (x) => clipByGlobalNorm({ x }, { maxNorm: 1 }).x, f32([nan, 100]), [
    nan,
    nan,
  ]],
  [
    "clipping by an infinite norm",
    (x) => clipByGlobalNorm({ x }, { maxNorm: 1 }).x,
    f32([inf, 1]),
    [
      nan,
      nan,
    ],
  ],
  [
    "clipping of squares beyond f32",
    (x) => clipByGlobalNorm({ x }, { maxNorm: 1 }).x,
    f32([1e30, 1]),
    [
      nan,
      nan,
    ],
  ],
  ["clipping of 0", (x) => clipByGlobalNorm({ x }, { maxNorm: 1 }).x, f32([0, 0]), [0, 0]],
];

const rows = [...reductions, ...composites, ...losses];

async function assertRows(engine: Engine): Promise<void> {
  const wrong: string[] = [];
  for (const [name, fn, x, wanted] of rows) {
    const run = engine.jit((operand: Tensor) => fn(operand));
    engine.release(await run(hostArray([...x.data].reverse(), x.shape)));
    const value = await run(x);
    const data = [...(await engine.read(value)).data];
    engine.release(value);
    const right = data.length === wanted.length &&
      data.every((found, k) =>
        Number.isFinite(wanted[k])
          ? Math.abs(found - wanted[k]!) <= 2e-6 * Math.abs(wanted[k]!)
          : Object.is(found, wanted[k])
      );
    if (!right) wrong.push(`${name}: [${data}], expected [${wanted}]`);
  }
  assertEquals(wrong, []);
}

for (const name of ["reference", "tfjs"] as const) {
  Deno.test(`numbers that are not finite keep their meaning on ${name}`, async () => {
    const engine = await openEngine(name);
    await assertRows(engine);
    engine.close();
  });
}

webgpuTest("numbers that are not finite keep their meaning on WebGPU", async (gpu) => {
  for (const traits of [{}, FOURS]) {
    await assertRows(new Engine(new WebGpuBackend(gpu, { traits })));
  }
});
