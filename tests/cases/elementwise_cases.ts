/** Cases of the elementwise primitives. @module */
import * as ops from "../../src/ops/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  among,
  bool,
  f32,
  grid,
  i32,
  type Operand,
  type PrimitiveCase,
  primitiveCase,
  u32,
} from "./case.ts";

function unary(name: string, fn: (x: Tensor) => Tensor, operand: Operand): PrimitiveCase {
  return primitiveCase(name, [operand], { build: fn });
}

function binary(
  name: string,
  fn: (a: Tensor, b: Tensor) => Tensor,
  operands: readonly [Operand, Operand],
): PrimitiveCase {
  return primitiveCase(name, operands, { build: fn });
}

const wide = i32([3, 7], -2_000_000_000, 2_000_000_000);
const beyond = among([40], "f32", [NaN, Infinity, -Infinity, 2 ** 31, 5e9, -3e9, 3e38, -1.5, 0.9]);
const halves = grid([5, 7], 0.5, [-2, 2]);

/** Cases of arithmetic. */
const arithmetic: readonly PrimitiveCase[] = [
  binary("add", ops.add, [f32([3, 5]), f32([3, 5])]),
  binary("add i32 wraps", ops.add, [wide, wide]),
  binary("add u32 wraps", ops.add, [u32([7]), u32([7])]),
  binary("add scalars", ops.add, [f32([]), f32([])]),
  primitiveCase("add to itself", [f32([5])], { build: (x) => ops.add(x, x) }),
  binary("sub", ops.sub, [f32([1, 7]), f32([1, 7])]),
  binary("sub u32 wraps", ops.sub, [u32([7]), u32([7])]),
  unary("neg", ops.neg, f32([3, 1, 5])),
  unary("neg i32", ops.neg, i32([7])),
  binary("mul", ops.mul, [f32([3, 5]), f32([3, 5])]),
  binary("mul i32 wraps", ops.mul, [wide, wide]),
  binary("mul u32 wraps", ops.mul, [u32([5]), u32([5])]),
  primitiveCase("mul with itself", [f32([7])], { build: (x) => ops.mul(x, x) }),
  binary("div", ops.div, [f32([3, 5]), f32([3, 5], 0.5, 2)]),
  binary("div by negative numbers", ops.div, [f32([7]), f32([7], -3, -0.5)]),
  binary("div i32", ops.div, [i32([5, 5], -99, 99), i32([5, 5], 1, 9)]),
  binary("div i32 by negative numbers", ops.div, [i32([5, 5], -99, 99), i32([5, 5], -9, -1)]),
  binary("div i32 by zeros and -1", ops.div, [
    among([12], "i32", [7, -7, 0, -(2 ** 31)]),
    among([12], "i32", [0, 0, 0, -1, 0, -1]),
  ]),
  binary("div u32 by zeros", ops.div, [u32([7]), among([7], "u32", [0, 3])]),
  primitiveCase("div i32 by a constant 0", [i32([7])], {
    build: (x) => ops.div(x, ops.like(x, 0)),
  }),
  binary("div u32", ops.div, [u32([7]), u32([7], 1, 1000)]),
];

/** Cases of functions of one variable. */
const functions: readonly PrimitiveCase[] = [
  unary("abs", ops.abs, f32([3, 7])),
  unary("abs i32", ops.abs, i32([7])),
  unary("sign", ops.sign, f32([3, 7])),
  primitiveCase("sign of zeros", [halves], { build: ops.sign, differentiable: [] }),
  unary("sign i32", ops.sign, i32([7], -2, 2)),
  unary("floor", ops.floor, f32([3, 7], -3, 3)),
  unary("exp", ops.exp, f32([3, 5])),
  unary("log", ops.log, f32([3, 5], 0.2, 4)),
  unary("expm1", ops.expm1, f32([3, 5], -3, 3)),
  unary("log1p", ops.log1p, f32([3, 5], -0.7, 3)),
  unary("round", ops.round, f32([5, 7], -4, 4)),
  unary("ceil", ops.ceil, f32([5, 7], -3, 3)),
  unary("trunc", ops.trunc, f32([5, 7], -3, 3)),
  unary("atan", ops.atan, f32([3, 7], -5, 5)),
  binary("atan2", ops.atan2, [f32([3, 7]), f32([3, 7])]),
  // The sine that laws project on would undo it.
  unary("asin", (x) => ops.add(ops.asin(x), ops.like(x, 0.5)), f32([3, 7], -0.95, 0.95)),
  unary("acos", ops.acos, f32([3, 7], -0.95, 0.95)),
  unary("sinh", ops.sinh, f32([3, 7], -3, 3)),
  unary("cosh", ops.cosh, f32([3, 7], -3, 3)),
  unary("asinh", ops.asinh, f32([3, 7], -5, 5)),
  unary("acosh", ops.acosh, f32([3, 7], 1.1, 5)),
  unary("atanh", ops.atanh, f32([3, 7], -0.9, 0.9)),
  unary("softplus", ops.softplus, f32([3, 7], -5, 5)),
  unary("sqrt", ops.sqrt, f32([3, 5], 0.2, 4)),
  unary("rsqrt", ops.rsqrt, f32([3, 5], 0.2, 4)),
  unary("tanh", ops.tanh, f32([3, 5])),
  unary("sigmoid", ops.sigmoid, f32([3, 5], -5, 5)),
  unary("erf", ops.erf, f32([3, 7], -3.5, 3.5)),
  unary("sin", ops.sin, f32([3, 5], -4, 4)),
  unary("cos", ops.cos, f32([3, 5], -4, 4)),
  unary("pow square", (x) => ops.pow(x, 2), f32([3, 5])),
  unary("pow cube", (x) => ops.pow(x, 3), f32([7])),
  unary("pow one", (x) => ops.pow(x, 1), f32([7])),
  unary("pow zero", (x) => ops.pow(x, 0), f32([7])),
  unary("pow minus one", (x) => ops.pow(x, -1), f32([7], 0.5, 2)),
  unary("pow minus three of negative numbers", (x) => ops.pow(x, -3), f32([7], -2, -0.5)),
  unary("pow fraction", (x) => ops.pow(x, 1.7), f32([3, 5], 0.2, 3)),
  unary("pow negative fraction", (x) => ops.pow(x, -0.5), f32([7], 0.2, 3)),
  unary("pow ninth of negative numbers", (x) => ops.pow(x, 9), f32([5], -1.5, -0.5)),
  unary("pow tenth", (x) => ops.pow(x, 10), f32([5], -1.5, 1.5)),
  unary("pow minus eleventh", (x) => ops.pow(x, -11), f32([5], -1.5, -0.9)),
  unary("pow hundredth", (x) => ops.pow(x, 100), f32([5], -1.1, 1.1)),
  binary("power", ops.power, [f32([3, 5], 0.3, 3), f32([3, 5], -3, 3)]),
  primitiveCase("power of negative numbers", [f32([7], -3, -0.3), grid([7], 1, [-3, 3])], {
    build: (a, b) => ops.power(a!, b!),
    differentiable: [0],
  }),
];

/** Cases of selection, comparison, logic and conversion. */
const choices: readonly PrimitiveCase[] = [
  binary("maximum", ops.maximum, [f32([3, 5]), f32([3, 5])]),
  binary("maximum i32", ops.maximum, [i32([7]), i32([7])]),
  binary("maximum u32", ops.maximum, [u32([7]), u32([7])]),
  binary("minimum", ops.minimum, [f32([3, 5]), f32([3, 5])]),
  binary("minimum i32", ops.minimum, [i32([7]), i32([7])]),
  primitiveCase("select", [bool([3, 5]), f32([3, 5]), f32([3, 5])], { build: ops.select }),
  primitiveCase("select i32", [bool([7]), i32([7]), i32([7])], { build: ops.select }),
  primitiveCase("select u32", [bool([7]), u32([7]), u32([7])], { build: ops.select }),
  primitiveCase("select bool", [bool([7]), bool([7]), bool([7])], { build: ops.select }),
  binary("equal", ops.equal, [halves, halves]),
  binary("equal i32", ops.equal, [i32([5, 7], -1, 1), i32([5, 7], -1, 1)]),
  binary("equal u32", ops.equal, [u32([7], 0, 2), u32([7], 0, 2)]),
  unary("is_nan", ops.isNan, f32([3, 5])),
  unary("is_nan of NaN", ops.isNan, beyond),
  unary("is_finite", ops.isFinite, f32([3, 5])),
  unary("is_finite of NaN", ops.isFinite, beyond),
  binary("less", ops.less, [halves, halves]),
  binary("less i32", ops.less, [i32([7]), i32([7])]),
  binary("less u32", ops.less, [u32([7]), u32([7])]),
  binary("less_equal", ops.lessEqual, [halves, halves]),
  binary("less_equal i32", ops.lessEqual, [i32([7], -1, 1), i32([7], -1, 1)]),
  binary("less_equal u32", ops.lessEqual, [u32([7]), u32([7])]),
  binary("and", ops.and, [bool([3, 5]), bool([3, 5])]),
  binary("and u32", ops.and, [u32([7]), u32([7])]),
  binary("and i32", ops.and, [wide, wide]),
  binary("or", ops.or, [bool([3, 5]), bool([3, 5])]),
  binary("or u32", ops.or, [u32([7]), u32([7])]),
  binary("or i32", ops.or, [wide, wide]),
  binary("xor", ops.xor, [u32([7]), u32([7])]),
  binary("shift_left", ops.shiftLeft, [u32([7]), u32([7], 0, 31)]),
  binary("shift_right", ops.shiftRight, [u32([7]), u32([7], 0, 31)]),
  unary("not", ops.not, bool([3, 5])),
  unary("convert f32 to i32", (x) => ops.convert(x, "i32"), f32([7], -9, 9)),
  unary("convert f32 beyond i32", (x) => ops.convert(x, "i32"), beyond),
  unary("convert f32 beyond u32", (x) => ops.convert(x, "u32"), beyond),
  unary("convert f32 beyond bool", (x) => ops.convert(x, "bool"), beyond),
  unary("convert f32 to u32", (x) => ops.convert(x, "u32"), f32([7], 0, 9)),
  unary("convert f32 to bool", (x) => ops.convert(x, "bool"), grid([7], 0.5, [-0.5, 0.5])),
  unary("convert i32 to f32", (x) => ops.convert(x, "f32"), i32([7])),
  unary("convert u32 to f32", (x) => ops.convert(x, "f32"), u32([7], 0, 2 ** 24)),
  unary("convert bool to f32", (x) => ops.convert(x, "f32"), bool([7])),
  unary("convert i32 to u32", (x) => ops.convert(x, "u32"), i32([7])),
  unary("convert u32 to i32", (x) => ops.convert(x, "i32"), u32([7])),
  unary("convert bool to i32", (x) => ops.convert(x, "i32"), bool([7])),
  unary("convert i32 to bool", (x) => ops.convert(x, "bool"), i32([7], -1, 1)),
];

/** Cases of the elementwise primitives. */
export const elementwiseCases: readonly PrimitiveCase[] = [
  ...arithmetic,
  ...functions,
  ...choices,
];
