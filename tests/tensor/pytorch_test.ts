/**
 * Functions of tensors, and normalizations, against PyTorch: values and first and second derivatives that
 * `pytorch/functions.py` has written.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { batchNorm, groupNorm, layerNorm } from "../../src/nn/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import { grad, hvp } from "../../src/transform/mod.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

/** `wave` of functions.py. */
const wave = waves(1.5);

const other = wave([2, 3, 4], 2);
const scales = { gamma: wave([4], 1, 1, 0.5), beta: wave([4], 0.5) };
const evaluation = { training: false };
const pooling = { window: 3, stride: 2, padding: 1 } as const;

function evaluatedBatchNorm(x: Tensor): Tensor {
  const layer = batchNorm({ features: 4 });
  const rows = t.reshape(x, [6, 4]);
  let { state } = layer.init(t.constant([0, 0], { dtype: "u32" }));
  for (const batch of [rows, t.add(t.mul(rows, 2), 1)]) {
    ({ state } = layer.apply(scales, state, batch, { training: true }));
  }
  return t.reshape(layer.apply(scales, state, rows, evaluation).output, [2, 3, 4]);
}

const FUNCTIONS: Readonly<Record<keyof typeof golden, (x: Tensor) => Tensor>> = {
  leakyRelu: (x) => t.leakyRelu(x),
  elu: (x) => t.elu(x, { alpha: 1.3 }),
  silu: t.silu,
  gelu: (x) => t.gelu(x),
  "gelu, approximate": (x) => t.gelu(x, { approximate: true }),
  softplus: t.softplus,
  sigmoid: t.sigmoid,
  erf: t.erf,
  expm1: t.expm1,
  asinh: t.asinh,
  atan2: (x) => t.atan2(x, other),
  logAddExp: (x) => t.logAddExp(x, other),
  softmax: (x) => t.softmax(x),
  "softmax of two axes": (x) => t.softmax(x, { axes: [0, 2] }),
  logSoftmax: (x) => t.logSoftmax(x, { axes: 1 }),
  logSumExp: (x) => t.logSumExp(x, { axes: [0, 2] }),
  variance: (x) => t.variance(x, { axes: [0, 2] }),
  "variance, unbiased": (x) => t.variance(x, { axes: 1, correction: 1 }),
  l2Normalize: (x) => t.l2Normalize(x),
  prod: (x) => t.prod(x, { axes: 1 }),
  cumProd: (x) => t.cumProd(x, { axis: 1 }),
  cumSum: (x) => t.cumSum(x, { axis: 2 }),
  attention: (x) => t.attention(x, other, t.mul(x, other)),
  "attention, causal": (x) => t.attention(x, other, t.mul(x, other), { causal: true }),
  maxPool2d: (x) => t.maxPool2d(x, pooling),
  avgPool2d: (x) => t.avgPool2d(x, pooling),
  "avgPool2d, with padding": (x) => t.avgPool2d(x, { ...pooling, countPadding: true }),
  conv2d: (x) =>
    t.conv2d(x, wave([3, 2, 4, 3], 2), {
      stride: [2, 1],
      padding: [1, 2, 1, 2],
      dilation: [1, 2],
    }),
  "conv2d in groups": (x) => t.conv2d(x, wave([3, 3, 2, 6], 2), { padding: 1, groups: 2 }),
  convTranspose2d: (x) =>
    t.convTranspose2d(x, wave([3, 3, 2, 4], 2), { stride: 2, padding: 1, outputPadding: 1 }),
  "resizeImages, larger": (x) => t.resizeImages(x, { height: 8, width: 9 }),
  "resizeImages, smaller": (x) => t.resizeImages(x, { height: 3, width: 4 }),
  "resizeImages, smoothed": (x) => t.resizeImages(x, { height: 3, width: 4, antialias: true }),
  "pad, reflected": (x) => t.pad(x, [[0, 0], [1, 3], [2, 1], [0, 0]], { mode: "reflect" }),
  layerNorm: (x) => layerNorm({ features: 4 }).apply(scales, {}, x, evaluation).output,
  groupNorm: (x) => groupNorm({ features: 4, groups: 2 }).apply(scales, {}, x, evaluation).output,
  "batchNorm, own statistics": (x) =>
    batchNorm({ features: 4, statistics: "batch" }).apply(scales, {}, x, evaluation).output,
  "batchNorm, evaluated": evaluatedBatchNorm,
};

/** Few numbers as they are, of many sums with waves. */
function listed(x: Tensor): number[] {
  if (x.size <= 24) return t.valuesOf(x);
  return Array.from(
    { length: 6 },
    (_, phase) => t.valuesOf(t.sum(t.mul(x, wave(x.shape, phase))))[0]!,
  );
}

for (const [name, f] of Object.entries(FUNCTIONS) as [keyof typeof golden, typeof t.silu][]) {
  Deno.test(`${name} has PyTorch's values and derivatives`, () => {
    const expected = golden[name];
    const x = wave(expected.shape, 0.3);
    const objective = (given: Tensor): Tensor => {
      const y = f(given);
      return t.sum(t.mul(t.sin(y), wave(y.shape, 1.1)));
    };
    const near = (actual: Tensor, numbers: readonly number[], what: string): void => {
      const found = listed(actual);
      assertEquals(found.length, numbers.length);
      const scale = Math.max(1, ...numbers.map(Math.abs));
      found.forEach((value, k) => assertAlmostEquals(value, numbers[k]!, 1e-10 * scale, what));
    };
    near(f(x), expected.value, "value");
    near(grad(objective)(x), expected.gradient, "gradient");
    near(hvp(objective)(x, wave(expected.shape, 2.3)), expected.hessianProduct, "Hessian");
  });
}
