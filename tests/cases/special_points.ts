/**
 * What functions give, and their first and second derivatives, at numbers where formulas say nothing
 * or too much: zeros, ties, huge numbers, infinities, NaN.
 *
 * The values are those of IEEE 754 and of PyTorch 2.13 (`torch.autograd.grad`, float64), except where
 * `note` says what is decided otherwise.
 *
 * @module
 */
import * as ops from "../../src/ops/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";

/** One point of one operand: the value there and the first and second derivative. */
export type Point = readonly [x: number, value: number, first: number, second: number];

/** A function at its special points. */
export interface SpecialCase {
  /** Name of the primitive; what follows a space tells cases apart. */
  readonly name: string;
  /** The function, elementwise. */
  readonly fn: (x: Tensor) => Tensor;
  /** The points. */
  readonly points: readonly Point[];
  /** What is decided otherwise than in PyTorch. */
  readonly note?: string;
}

const [inf, nan] = [Infinity, NaN];
const rows = (name: string, fn: SpecialCase["fn"], points: readonly Point[], note?: string) => ({
  name,
  fn,
  points,
  ...(note ? { note } : {}),
});
const of = (x: Tensor, value: number): Tensor => ops.like(x, value);
const tiny = 2 ** -100;
const twoOverRootPi = 2 / Math.sqrt(Math.PI);
const tanhSecond = -2 * Math.tanh(1) * (1 - Math.tanh(1) ** 2);

/** Elementwise primitives of one operand, and those of two with the other one fixed. */
export const SPECIAL_POINTS: readonly SpecialCase[] = [
  rows("abs", ops.abs, [
    [0, 0, 0, 0],
    [-0, 0, 0, 0],
    [-tiny, tiny, -1, 0],
    [-inf, inf, -1, 0],
    [nan, nan, nan, 0],
  ], "abs'(NaN) is NaN, the sign of NaN; PyTorch says 0"),
  rows("sign", ops.sign, [
    [0, 0, 0, 0],
    [-0, 0, 0, 0],
    [tiny, 1, 0, 0],
    [-tiny, -1, 0, 0],
    [-inf, -1, 0, 0],
    [nan, nan, 0, 0],
  ], "sign(NaN) is NaN, as in NumPy and JAX; PyTorch says 0"),
  rows("floor", ops.floor, [[-0.5, -1, 0, 0], [2, 2, 0, 0], [inf, inf, 0, 0], [nan, nan, 0, 0]]),
  rows("exp", ops.exp, [
    [0, 1, 1, 1],
    [-inf, 0, 0, 0],
    [inf, inf, inf, inf],
    [89, inf, inf, inf],
    [-110, 0, 0, 0],
    [nan, nan, nan, nan],
  ]),
  rows("expm1", ops.expm1, [
    [0, 0, 1, 1],
    [tiny, tiny, 1, 1],
    [-inf, -1, 0, 0],
    [inf, inf, inf, inf],
    [89, inf, inf, inf],
    [nan, nan, nan, nan],
  ]),
  rows("log", ops.log, [
    [0, -inf, inf, -inf],
    [1, 0, 1, -1],
    [-1, nan, -1, -1],
    [inf, inf, 0, -0],
    [nan, nan, nan, nan],
  ]),
  rows("log1p", ops.log1p, [
    [-1, -inf, inf, -inf],
    [0, 0, 1, -1],
    [tiny, tiny, 1, -1],
    [-2, nan, -1, -1],
    [inf, inf, 0, -0],
    [nan, nan, nan, nan],
  ]),
  rows("sqrt", ops.sqrt, [
    [0, 0, inf, -inf],
    [-1, nan, nan, nan],
    [inf, inf, 0, -0],
    [nan, nan, nan, nan],
  ]),
  rows("rsqrt", ops.rsqrt, [
    [0, inf, -inf, inf],
    [-1, nan, nan, nan],
    [inf, 0, -0, 0],
    [nan, nan, nan, nan],
  ]),
  rows("tanh", ops.tanh, [
    [0, 0, 1, 0],
    [tiny, tiny, 1, -2 * tiny],
    [1, Math.tanh(1), 1 - Math.tanh(1) ** 2, tanhSecond],
    [-inf, -1, 0, 0],
    [1e30, 1, 0, 0],
    [nan, nan, nan, nan],
  ]),
  rows("sigmoid", ops.sigmoid, [
    [0, 0.5, 0.25, 0],
    [-inf, 0, 0, 0],
    [inf, 1, 0, 0],
    [nan, nan, nan, nan],
  ]),
  rows("softplus", ops.softplus, [
    [0, Math.LN2, 0.5, 0.25],
    [-30, 9.357622968839299e-14, 9.357622968839299e-14, 9.357622968839299e-14],
    [-inf, 0, 0, 0],
    [inf, inf, 1, 0],
    [1e30, 1e30, 1, 0],
    [nan, nan, nan, nan],
  ]),
  rows("erf", ops.erf, [
    [0, 0, twoOverRootPi, 0],
    [-inf, -1, 0, nan],
    [nan, nan, nan, nan],
  ]),
  rows("sin", ops.sin, [[0, 0, 1, 0], [inf, nan, nan, nan], [nan, nan, nan, nan]]),
  rows("cos", ops.cos, [[0, 1, 0, -1], [-inf, nan, nan, nan], [nan, nan, nan, nan]]),
  rows("round", ops.round, [
    [0.5, 0, 0, 0],
    [1.5, 2, 0, 0],
    [-2.5, -2, 0, 0],
    [-1.4, -1, 0, 0],
    [inf, inf, 0, 0],
    [nan, nan, 0, 0],
  ]),
  rows("ceil", ops.ceil, [[-0.5, 0, 0, 0], [0.5, 1, 0, 0], [inf, inf, 0, 0], [nan, nan, 0, 0]]),
  rows("trunc", ops.trunc, [[-1.5, -1, 0, 0], [1.5, 1, 0, 0], [-inf, -inf, 0, 0], [
    nan,
    nan,
    0,
    0,
  ]]),
  rows("atan", ops.atan, [
    [0, 0, 1, 0],
    [tiny, tiny, 1, -2 * tiny],
    [1, Math.PI / 4, 0.5, -0.5],
    [1e30, Math.PI / 2, 0, 0],
    [-inf, -Math.PI / 2, 0, nan],
    [nan, nan, nan, nan],
  ]),
  rows("asin", ops.asin, [
    [0, 0, 1, 0],
    [tiny, tiny, 1, tiny],
    [1, Math.PI / 2, inf, inf],
    [-1, -Math.PI / 2, inf, -inf],
    [1.5, nan, nan, nan],
    [nan, nan, nan, nan],
  ]),
  rows("acos", ops.acos, [
    [0, Math.PI / 2, -1, 0],
    [1, 0, -inf, -inf],
    [-1, Math.PI, -inf, inf],
    [1.5, nan, nan, nan],
    [nan, nan, nan, nan],
  ]),
  rows("atan2 over 1", (x) => ops.atan2(x, of(x, 1)), [
    [0, 0, 1, 0],
    [1, Math.PI / 4, 0.5, -0.5],
    [inf, Math.PI / 2, 0, nan],
    [nan, nan, nan, nan],
  ]),
  rows("atan2 over 0", (x) => ops.atan2(x, of(x, 0)), [
    [0, 0, nan, nan],
    [2, Math.PI / 2, 0, 0],
    [-2, -Math.PI / 2, 0, 0],
  ], "its derivative at the origin is NaN, as in JAX; PyTorch says 0"),
  rows("atan2 over -1", (x) => ops.atan2(x, of(x, -1)), [
    [0, Math.PI, -1, 0],
    [1, 3 * Math.PI / 4, -0.5, 0.5],
  ]),
  rows("atan2 of 1", (x) => ops.atan2(of(x, 1), x), [
    [0, Math.PI / 2, -1, 0],
    [-1, 3 * Math.PI / 4, -0.5, -0.5],
    [inf, 0, 0, nan],
    [-inf, Math.PI, 0, nan],
  ]),
  rows("atan2 of Infinity", (x) => ops.atan2(of(x, inf), x), [
    [1, Math.PI / 2, nan, nan],
    [inf, Math.PI / 4, nan, nan],
    [-inf, 3 * Math.PI / 4, nan, nan],
  ]),
  rows("sinh", ops.sinh, [
    [0, 0, 1, 0],
    [tiny, tiny, 1, tiny],
    [89, Math.sinh(89), Math.cosh(89), Math.sinh(89)],
    [-inf, -inf, inf, -inf],
    [nan, nan, nan, nan],
  ]),
  rows("cosh", ops.cosh, [
    [0, 1, 0, 1],
    [tiny, 1, tiny, 1],
    [-89, Math.cosh(89), -Math.sinh(89), Math.cosh(89)],
    [-inf, inf, -inf, inf],
    [nan, nan, nan, nan],
  ]),
  rows("asinh", ops.asinh, [
    [0, 0, 1, 0],
    [tiny, tiny, 1, -tiny],
    [1e10, Math.asinh(1e10), 1e-10, -1e-20],
    [-inf, -inf, 0, nan],
    [nan, nan, nan, nan],
  ]),
  rows("acosh", ops.acosh, [
    [1, 0, inf, -inf],
    [0.5, nan, nan, nan],
    [1e10, Math.acosh(1e10), 1e-10, -1e-20],
    [inf, inf, 0, 0],
    [nan, nan, nan, nan],
  ], "its second derivative at Infinity is 0; PyTorch says NaN"),
  rows("atanh", ops.atanh, [
    [0, 0, 1, 0],
    [tiny, tiny, 1, 2 * tiny],
    [1, inf, inf, inf],
    [-1, -inf, inf, -inf],
    [1.5, nan, -0.8, 1.92],
    [nan, nan, nan, nan],
  ]),
  rows("pow 0", (x) => ops.pow(x, 0), [[0, 1, 0, 0], [inf, 1, 0, 0], [nan, 1, 0, 0]]),
  rows("pow 1", (x) => ops.pow(x, 1), [[0, 0, 1, 0], [-inf, -inf, 1, 0], [nan, nan, 1, 0]]),
  rows("pow 2", (x) => ops.pow(x, 2), [[-0, 0, -0, 2], [-inf, inf, -inf, 2], [nan, nan, nan, 2]]),
  rows("pow 3", (x) => ops.pow(x, 3), [
    [0, 0, 0, 0],
    [-inf, -inf, inf, -inf],
    [nan, nan, nan, nan],
  ]),
  rows("pow 1/2", (x) => ops.pow(x, 0.5), [
    [0, 0, inf, -inf],
    [-1, nan, nan, nan],
    [inf, inf, 0, -0],
    [-inf, inf, 0, -0],
    [nan, nan, nan, nan],
  ], "a fraction of -Infinity is Infinity, as IEEE 754 says; PyTorch takes the square root, NaN"),
  rows("pow 3/2", (x) => ops.pow(x, 1.5), [[0, 0, 0, inf], [-1, nan, nan, nan]]),
  rows("pow -1", (x) => ops.pow(x, -1), [[0, inf, -inf, inf], [-inf, -0, -0, -0]]),
  rows("power to the 2", (x) => ops.power(x, of(x, 2)), [
    [-3, 9, -6, 2],
    [0, 0, 0, 2],
    [-inf, inf, -inf, 2],
    [nan, nan, nan, 2],
  ]),
  rows("power to the 0", (x) => ops.power(x, of(x, 0)), [[-2, 1, 0, 0], [0, 1, 0, nan], [
    inf,
    1,
    0,
    0,
  ]]),
  rows("power to the -1", (x) => ops.power(x, of(x, -1)), [[-2, -0.5, -0.25, -0.25], [
    0,
    inf,
    -inf,
    inf,
  ]]),
  rows("power to the 1/2", (x) => ops.power(x, of(x, 0.5)), [[-1, nan, nan, nan], [
    0,
    0,
    inf,
    -inf,
  ]]),
  rows("power of 2", (x) => ops.power(of(x, 2), x), [
    [0, 1, Math.LN2, Math.LN2 ** 2],
    [-inf, 0, 0, 0],
    [inf, inf, inf, inf],
  ]),
  rows("power of 1", (x) => ops.power(of(x, 1), x), [[0, 1, 0, 0], [inf, 1, 0, 0], [
    nan,
    1,
    0,
    0,
  ]]),
  rows("power of 0", (x) => ops.power(of(x, 0), x), [
    [0, 1, 0, 0],
    [2, 0, 0, 0],
    [-1, inf, -inf, inf],
    [nan, nan, nan, nan],
  ], "the second derivative of 0^x is 0 from 0 on; PyTorch says NaN"),
  rows("power of -2", (x) => ops.power(of(x, -2), x), [[3, -8, nan, nan], [0.5, nan, nan, nan]]),
  rows("div of 1", (x) => ops.div(of(x, 1), x), [
    [0, inf, -inf, inf],
    [inf, 0, -0, 0],
    [nan, nan, nan, nan],
  ]),
  rows("0 div by", (x) => ops.div(of(x, 0), x), [
    [0, nan, nan, nan],
    [2, 0, 0, 0],
    [inf, 0, 0, 0],
    [nan, nan, nan, nan],
  ]),
  rows("div by 0", (x) => ops.div(x, of(x, 0)), [[0, nan, inf, 0], [-1, -inf, inf, 0]]),
  rows("div by Infinity", (x) => ops.div(x, of(x, inf)), [[1, 0, 0, 0], [-inf, nan, 0, 0]]),
  rows("div by itself", (x) => ops.div(x, x), [[0, nan, nan, nan], [2, 1, 0, 0], [
    inf,
    nan,
    nan,
    nan,
  ]]),
  rows("mul by Infinity", (x) => ops.mul(x, of(x, inf)), [[2, inf, inf, 0], [0, nan, inf, 0]]),
  rows("mul by NaN", (x) => ops.mul(x, of(x, nan)), [[0, nan, nan, 0], [1, nan, nan, 0]]),
  rows("add of Infinity", (x) => ops.add(x, of(x, inf)), [[-inf, nan, 1, 0], [0, inf, 1, 0]]),
  rows("add", (x) => ops.add(x, x), [[inf, inf, 2, 0], [nan, nan, 2, 0]]),
  rows("sub of itself", (x) => ops.sub(x, x), [[1, 0, 0, 0], [inf, nan, 0, 0], [nan, nan, 0, 0]]),
  rows("neg", ops.neg, [[0, -0, -1, 0], [-inf, inf, -1, 0], [nan, nan, -1, 0]]),
  rows("mul by 0", (x) => ops.mul(x, of(x, 0)), [[-inf, nan, 0, 0], [nan, nan, 0, 0]]),
  rows("mul with itself", (x) => ops.mul(x, x), [[0, 0, 0, 2], [-inf, inf, -inf, 2]]),
  rows("maximum with 0", (x) => ops.maximum(x, of(x, 0)), [
    [-1, 0, 0, 0],
    [0, 0, 1, 0],
    [inf, inf, 1, 0],
    [nan, nan, 0, 0],
  ], "a tie goes to the first operand, and NaN to the second; PyTorch halves a tie"),
  rows("maximum of 0", (x) => ops.maximum(of(x, 0), x), [
    [0, 0, 0, 0],
    [-inf, 0, 0, 0],
    [nan, nan, 1, 0],
  ], "the rule of relu"),
  rows("maximum with NaN", (x) => ops.maximum(x, of(x, NaN)), [[1, nan, 0, 0], [nan, nan, 0, 0]]),
  rows("minimum with 0", (x) => ops.minimum(x, of(x, 0)), [
    [1, 0, 0, 0],
    [0, 0, 1, 0],
    [-inf, -inf, 1, 0],
    [nan, nan, 0, 0],
  ], "a tie goes to the first operand, and NaN to the second; PyTorch halves a tie"),
  rows("minimum of Infinity", (x) => ops.minimum(of(x, inf), x), [[1, 1, 1, 0], [inf, inf, 0, 0]]),
  rows("select", (x) => ops.select(ops.less(x, of(x, 0)), of(x, -inf), x), [
    [-1, -inf, 0, 0],
    [0, 0, 1, 0],
    [nan, nan, 1, 0],
  ]),
  rows("convert", (x) => ops.convert(ops.convert(x, "i32"), "f32"), [
    [1e30, 2 ** 31 - 128, 0, 0],
    [-inf, -(2 ** 31), 0, 0],
    [nan, 0, 0, 0],
    [-1.9, -1, 0, 0],
  ], "the rule of WGSL; PyTorch leaves it open"),
  rows("is_nan", (x) => ops.convert(ops.isNan(x), "f32"), [[nan, 1, 0, 0], [inf, 0, 0, 0]]),
  rows("is_finite", (x) => ops.convert(ops.isFinite(x), "f32"), [[nan, 0, 0, 0], [-inf, 0, 0, 0], [
    3e38,
    1,
    0,
    0,
  ]]),
  rows("equal", (x) => ops.convert(ops.equal(x, of(x, inf)), "f32"), [[inf, 1, 0, 0], [
    nan,
    0,
    0,
    0,
  ]]),
  rows("less", (x) => ops.convert(ops.less(x, of(x, 0)), "f32"), [[-inf, 1, 0, 0], [nan, 0, 0, 0], [
    -0,
    0,
    0,
    0,
  ]]),
  rows("less_equal", (x) => ops.convert(ops.lessEqual(x, x), "f32"), [[inf, 1, 0, 0], [
    nan,
    0,
    0,
    0,
  ]]),
  rows("relu", t.relu, [[-0, 0, 0, 0], [inf, inf, 1, 0], [-inf, 0, 0, 0], [nan, nan, 1, 0]]),
  rows("leakyRelu", (x) => t.leakyRelu(x, { slope: 0.25 }), [[0, 0, 0.25, 0], [
    -inf,
    -inf,
    0.25,
    0,
  ], [nan, nan, 0.25, 0]]),
  rows("elu", t.elu, [
    [0, 0, 1, 1],
    [-inf, -1, 0, 0],
    [-tiny, -tiny, 1, 1],
    [inf, inf, 1, 0],
    [nan, nan, nan, nan],
  ], "at 0 as below it; NaN is passed on"),
  rows("silu", t.silu, [[0, 0, 0.5, 0.5], [-inf, nan, nan, nan], [nan, nan, nan, nan]]),
  rows("gelu", t.gelu, [[0, 0, 0.5, 2 / Math.sqrt(2 * Math.PI)], [nan, nan, nan, nan]]),
  rows("clip", (x) => t.clip(x, { low: -1, high: 1 }), [
    [-1, -1, 1, 0],
    [1, 1, 1, 0],
    [-inf, -1, 0, 0],
    [nan, nan, 0, 0],
  ]),
];
