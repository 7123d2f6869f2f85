/** Composites under test, and plain loops to compare them with. @module */
import { stridesOf } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import { f32, i32, type Operand } from "../cases/case.ts";
import type { Subject } from "../cases/laws.ts";
import { uniform } from "../cases/random.ts";

/** A function of tensors with the operands on which laws are checked. */
export interface CompositeCase {
  /** Named in failures. */
  readonly name: string;
  /** The operands. */
  readonly operands: readonly Operand[];
  /** The function. */
  readonly build: (...tensors: Tensor[]) => Tensor;
}

/** The case as a subject of the laws. */
export function subjectFrom({ name, operands, build }: CompositeCase, seed = 1): Subject {
  const next = uniform(seed);
  return {
    name,
    fn: (...tensors) => [build(...tensors)],
    point: operands.map((operand) => {
      const { shape, dtype } = operand;
      const size = shape.reduce((product, extent) => product * extent, 1);
      return ndArray({ shape, dtype }, Array.from({ length: size }, () => operand.draw(next)));
    }),
    varying: operands.flatMap(({ dtype }, k) => dtype === "f32" ? [k] : []),
  };
}

export function one(
  name: string,
  build: (x: Tensor) => Tensor,
  operand: Operand = f32([2, 3]),
): CompositeCase {
  return { name, operands: [operand], build };
}

export function two(
  name: string,
  build: (a: Tensor, b: Tensor) => Tensor,
  operands: readonly [Operand, Operand] = [f32([2, 3], 0.5, 2), f32([3], 0.5, 2)],
): CompositeCase {
  return { name, operands, build: (a, b) => build(a!, b!) };
}

const positive = f32([2, 3], 0.5, 2);
const images = f32([2, 5, 4, 2]);

/** Every differentiable composite. */
export const COMPOSITES: readonly CompositeCase[] = [
  two("add", t.add),
  two("sub", t.sub),
  two("mul", t.mul),
  two("div", t.div),
  two("maximum", t.maximum),
  two("minimum", t.minimum),
  two("pow of tensors", t.pow),
  one("pow of a number", (x) => t.pow(x, 3)),
  one("number minus tensor", (x) => t.sub(1, x)),
  one("neg", t.neg),
  one("exp", t.exp),
  one("log", t.log, positive),
  one("expm1", t.expm1),
  one("log1p", t.log1p, positive),
  one("sqrt", t.sqrt, positive),
  one("rsqrt", t.rsqrt, positive),
  one("tanh", t.tanh),
  one("sigmoid", t.sigmoid),
  one("erf", t.erf),
  one("sin", t.sin),
  one("cos", t.cos),
  one("abs", t.abs),
  one("square", t.square),
  one("clip", (x) => t.clip(x, { low: -1, high: 1 })),
  two("where", (a, b) => t.where(t.less(a, 1), a, b)),
  one("sum", (x) => t.sum(x, { axes: -1 })),
  one("mean", (x) => t.mean(x, { axes: [0, -1] })),
  one("variance", (x) => t.variance(x, { axes: 0, correction: 1, keepAxes: true })),
  one("max", (x) => t.max(x, { axes: 1, keepAxes: true })),
  one("min", (x) => t.min(x)),
  one("softmax", (x) => t.softmax(x)),
  one("softmax over two axes", (x) => t.softmax(x, { axes: [0, 1] })),
  one("logSoftmax", (x) => t.logSoftmax(x, { axes: 0 })),
  one("logSumExp", (x) => t.logSumExp(x)),
  one("logSumExp kept", (x) => t.logSumExp(x, { axes: 0, keepAxes: true })),
  one("l2Normalize", (x) => t.l2Normalize(x)),
  one("standardize", (x) => t.standardize(x, [0]).normal, f32([4, 3])),
  one("standardize by its scale", (x) => t.standardize(x, [0, 1], 1e-3).scale, f32([4, 3])),
  one("relu", t.relu),
  one("leakyRelu", (x) => t.leakyRelu(x)),
  one("gelu", (x) => t.gelu(x)),
  one("gelu approximate", (x) => t.gelu(x, { approximate: true })),
  one("elu", (x) => t.elu(x, { alpha: 1.5 })),
  one("silu", t.silu),
  one("softplus", t.softplus),
  one("reshape", (x) => t.reshape(x, [3, -1])),
  one("transpose", (x) => t.transpose(x)),
  one("expandDims", (x) => t.expandDims(x, 1)),
  one("squeeze", (x) => t.squeeze(x), f32([1, 3, 1])),
  one("broadcastTo", (x) => t.broadcastTo(x, [4, 2, 3]), f32([2, 1])),
  two("concat", (a, b) => t.concat([a, b, a], { axis: -1 }), [f32([2, 3]), f32([2, 1])]),
  two("stack", (a, b) => t.stack([a, b], { axis: 1 }), [f32([2, 3]), f32([2, 3])]),
  one("split", (x) => t.split(x, { parts: [1, 2], axis: 1 })[1]!),
  one("slice", (x) => t.slice(x, [[null, null, -1], [0, -1]])),
  one("pad", (x) => t.pad(x, [[1, 0], [0, 2]], { value: 3 })),
  one("flip", (x) => t.flip(x, [0, 1])),
  one("rotate90", (x) => t.rotate90(x, 3), images),
  one("crop", (x) => t.crop(x, { top: 1, left: 0, height: 3, width: 2 }), images),
  two("matmul of matrices", t.matmul, [f32([2, 3]), f32([3, 4])]),
  two("matmul with a shared right operand", t.matmul, [f32([2, 2, 3]), f32([3, 2])]),
  two("matmul with broadcast batches", t.matmul, [f32([2, 1, 2, 3]), f32([3, 3, 2])]),
  two("matmul of vectors", t.matmul, [f32([3]), f32([3])]),
  two("matmul of matrix and vector", t.matmul, [f32([2, 2, 3]), f32([3])]),
  two("matmul of vector and matrices", t.matmul, [f32([3]), f32([2, 3, 2])]),
  two("dot", t.dot, [f32([2, 3]), f32([2, 3])]),
  two("einsum", (a, b) => t.einsum("bij,kjb->ki", [a, b]), [f32([2, 2, 3]), f32([2, 3, 2])]),
  two("einsum with sums", (a, b) => t.einsum("ij,ik->i", [a, b]), [f32([2, 3]), f32([2, 2])]),
  one("einsum of one", (x) => t.einsum("ijk->ki", [x]), f32([2, 2, 3])),
  two("conv2d", (x, w) => t.conv2d(x, w, { padding: "same" }), [images, f32([3, 3, 2, 2])]),
  two("conv2d with strides", (x, w) => t.conv2d(x, w, { stride: 2, padding: [1, 0, 2, 1] }), [
    images,
    f32([2, 3, 2, 2]),
  ]),
  one("maxPool2d", (x) => t.maxPool2d(x), images),
  one("avgPool2d", (x) => t.avgPool2d(x), images),
  {
    name: "takeRows",
    operands: [f32([3, 2]), i32([2, 2], 0, 2)],
    build: (x, at) => t.takeRows(x!, at!),
  },
  {
    name: "takeAlong",
    operands: [f32([3, 2, 2]), i32([3, 4, 2], 0, 1)],
    build: (x, at) => t.takeAlong(x!, at!, { axis: 1 }),
  },
];

/** Builds a row-major array from a function of the index. */
export function fromIndex(
  shape: readonly number[],
  value: (...index: number[]) => number,
): number[] {
  const strides = stridesOf(shape);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Array.from(
    { length: size },
    (_, i) => value(...strides.map((stride, k) => Math.floor(i / stride) % shape[k]!)),
  );
}
