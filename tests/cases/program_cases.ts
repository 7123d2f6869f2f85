/** Cases of the primitives that hold programs. @module */
import { add, cos, matmul, mul, reduceMax, sin, sum, tanh } from "../../src/ops/mod.ts";
import { checkpoint, customJvp } from "../../src/transform/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { f32, i32, type PrimitiveCase, primitiveCase } from "./case.ts";

const layer = checkpoint((x: Tensor, w: Tensor) => tanh(matmul(x, w)));
const two = checkpoint((x: Tensor, y: Tensor) => ({ p: mul(x, y), m: reduceMax(mul(x, x), [1]) }));
const constant = checkpoint((x: Tensor, y: Tensor) => [sin(x), y]);

/** `sin` whose rule is written out, differentiable again. */
const customSin = customJvp(
  (x) => sin(x!),
  ([x], [t]) => mul(t!, cos(x!)),
);

/** A product with a rule for both operands. */
const customProduct = customJvp(
  (a, b) => sum(mul(a!, b!), [1]),
  ([a, b], [da, db]) => sum(add(mul(da!, b!), mul(a!, db!)), [1]),
);

/** Cases of the primitives that hold programs. */
export const programCases: readonly PrimitiveCase[] = [
  primitiveCase("call", [f32([3, 5]), f32([5, 3])], { build: (x, w) => layer(x!, w!) }),
  primitiveCase("call twice", [f32([3, 3]), f32([3, 3])], {
    build: (x, w) => layer(layer(x!, w!), w!),
  }),
  primitiveCase("call with two results", [f32([3, 5]), f32([3, 5])], {
    build: (x, y) => {
      const { p, m } = two(x!, y!);
      return mul(sum(p, [1]), m);
    },
  }),
  primitiveCase("call with an unused result", [f32([7]), i32([3])], {
    build: (x, y) => constant(x!, y!)[0]!,
  }),
  primitiveCase("call with an integer result", [f32([7]), i32([3])], {
    build: (x, y) => constant(x!, y!)[1]!,
  }),
  primitiveCase("custom_jvp", [f32([3, 5])], { build: (x) => customSin(x) }),
  primitiveCase("custom_jvp of two operands", [f32([3, 5]), f32([3, 5])], {
    build: (a, b) => customProduct(a!, b!),
  }),
];
