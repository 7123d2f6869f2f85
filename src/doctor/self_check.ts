/**
 * A quick comparison of every kernel family with the float64 reference.
 *
 * @module
 */
import type { Engine } from "../engine/engine.ts";
import { type HostArray, hostArray } from "../ir/host_array.ts";
import { evaluate } from "../ir/evaluate.ts";
import { ndArray } from "../ir/nd_array.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { hvp } from "../transform/hvp.ts";
import { trace } from "../transform/trace.ts";

/** Outcome of the check of one kernel family. */
export interface CheckResult {
  /** The family. */
  readonly name: string;
  /** Largest error relative to the largest magnitude; `Infinity` where a result is not finite. */
  readonly error: number;
  /** Most error allowed. */
  readonly tolerance: number;
}

interface Check {
  readonly name: string;
  readonly inputs: readonly HostArray[];
  fn(...tensors: Tensor[]): Tensor;
}

const WINDOW = {
  input: [9, 7],
  kernel: [3, 3],
  stride: [1, 1],
  padding: [1, 1, 1, 1],
} as const;

function ramp(shape: readonly number[]): HostArray {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return hostArray(Array.from({ length: size }, (_, k) => Math.sin(1 + k * 0.7)), shape);
}

const CHECKS: readonly Check[] = [
  {
    name: "fused elementwise",
    inputs: [ramp([5, 63]), ramp([63])],
    fn: (x, y) => ops.tanh(ops.mul(ops.exp(x), ops.broadcast(y, [5, 63], [1]))),
  },
  {
    name: "reduction in one pass",
    inputs: [ramp([65, 33])],
    fn: (x) => ops.sum(ops.mul(x, x), [1]),
  },
  {
    name: "reduction in two passes",
    inputs: [ramp([257, 9, 8])],
    fn: (x) => ops.sum(ops.mul(x, x), [0, 1]),
  },
  {
    name: "max-pooling",
    inputs: [ramp([3, 4, 2, 4, 2, 8])],
    fn: (x) => ops.reduceMax(x, [2, 4]),
  },
  {
    name: "standardization",
    inputs: [ramp([3, 65, 8])],
    fn: (x) => ops.standardize(x, [0, 1], 1e-5).normal,
  },
  {
    name: "gather",
    inputs: [ramp([17, 8]), hostArray([3, 16, 0], [3], "i32")],
    fn: (x, at) => ops.gather(x, at),
  },
  {
    name: "random bits",
    inputs: [hostArray([1, 2], [2], "u32")],
    fn: (key) => ops.randomBits(key, [65]),
  },
  {
    name: "matrix product",
    inputs: [ramp([2, 33, 65]), ramp([2, 65, 17])],
    fn: (a, b) => ops.matmul(a, b),
  },
  {
    name: "convolution",
    inputs: [ramp([2, 3, 9, 7, 8]), ramp([2, 3, 3, 8, 12])],
    fn: (x, w) => ops.conv2d(x, w, WINDOW),
  },
  {
    name: "convolution input gradient",
    inputs: [ramp([2, 3, 3, 8, 12]), ramp([2, 3, 9, 7, 12])],
    fn: (w, dy) => ops.conv2dInputGrad(w, dy, WINDOW),
  },
  {
    name: "convolution filter gradient",
    inputs: [ramp([2, 3, 9, 7, 8]), ramp([2, 3, 9, 7, 12])],
    fn: (x, dy) => ops.conv2dFilterGrad(x, dy, WINDOW),
  },
  {
    name: "wide matrix product",
    inputs: [ramp([2, 36, 20]), ramp([2, 20, 64])],
    fn: (a, b) => ops.matmul(a, b),
  },
  {
    name: "wide convolution",
    inputs: [ramp([2, 3, 9, 7, 8]), ramp([2, 3, 3, 8, 32])],
    fn: (x, w) => ops.conv2d(x, w, WINDOW),
  },
  {
    name: "wide convolution input gradient",
    inputs: [ramp([2, 3, 3, 32, 12]), ramp([2, 3, 9, 7, 12])],
    fn: (w, dy) => ops.conv2dInputGrad(w, dy, WINDOW),
  },
  {
    name: "wide convolution filter gradient",
    inputs: [ramp([2, 3, 9, 7, 8]), ramp([2, 3, 9, 7, 32])],
    fn: (x, dy) => ops.conv2dFilterGrad(x, dy, WINDOW),
  },
  {
    name: "Hessian-vector product",
    inputs: [ramp([1, 3, 3, 8, 12]), ramp([1, 3, 3, 8, 12]), ramp([1, 3, 9, 7, 8])],
    fn: (w, v, x) =>
      hvp((filters: Tensor) => {
        const y = ops.tanh(ops.conv2d(x, filters, WINDOW));
        return ops.sum(ops.mul(y, y), [0, 1, 2, 3, 4]);
      })(w, v),
  },
];

/**
 * Runs every kernel family on an engine and compares with the float64 reference.
 *
 * @param engine The engine to check.
 * @returns One result a family.
 */
export async function selfCheck(engine: Engine): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, inputs, fn } of CHECKS) {
    const { program } = trace(fn, inputs.map(({ shape, dtype }) => ({ shape, dtype })));
    const [want] = evaluate(program, inputs.map((input) => ndArray(input, input.data)));
    const value = await engine.jit((...tensors: Tensor[]) => fn(...tensors))(...inputs);
    const { data } = await engine.read(value) as HostArray;
    engine.release(value);
    let error = 0;
    let magnitude = 0;
    want!.data.forEach((expected, k) => {
      const distance = Math.abs(data[k]! - expected);
      error = Math.max(error, Number.isFinite(distance) ? distance : Infinity);
      magnitude = Math.max(magnitude, Math.abs(expected));
    });
    const exact = want!.dtype !== "f32";
    results.push({ name, error: error / magnitude, tolerance: exact ? 0 : 1e-5 });
  }
  return results;
}
