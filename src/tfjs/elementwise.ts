/**
 * The elementwise primitives on TensorFlow.js.
 *
 * @module
 */
import { type DType, sameShape, type Shape } from "../ir/aval.ts";
import type { ConvertParams } from "../ops/convert.ts";
import { constantOf } from "../ops/fill.ts";
import type { PowParams } from "../ops/pow.ts";
import { mergeAxes } from "./axes.ts";
import { type Held, tfTypeOf, whole } from "./held.ts";
import type { Implementation } from "./implementation.ts";
import type { Tf, TfTensor } from "./load.ts";

type Unary = (tf: Tf, x: TfTensor) => TfTensor;
type Binary = (tf: Tf, a: TfTensor, b: TfTensor) => TfTensor;

function tensorOf(held: Held): TfTensor {
  if (held.kind === "host") throw new TypeError("Cannot compute with u32 in TensorFlow.js.");
  return held.tensor;
}

/** Shape of the result where every operand may have extents 1 in place of repetition. */
function commonShape(tensors: readonly TfTensor[]): Shape {
  return tensors[0]!.shape.map((_, axis) => Math.max(...tensors.map(({ shape }) => shape[axis]!)));
}

/** A function of one variable: repetition stays repetition. */
function unary(run: Unary, dtypes: readonly DType[] = ["f32"]): Implementation {
  return { dtypes, run: (tf, _, [x]) => run(tf, tensorOf(x!)) };
}

/** A function that repeats its operands as needed, fast, on at most six axes. */
function broadcasting(run: Binary): Implementation {
  return {
    dtypes: ["f32"],
    run: (tf, _, [x, y]) => {
      const [a, b] = [tensorOf(x!), tensorOf(y!)];
      if (sameShape(a.shape, b.shape) && a.rank <= 4) return run(tf, a, b);
      const { merged: [aShape, bShape] } = mergeAxes([a.shape, b.shape]);
      if (aShape!.length > 6) return undefined;
      const result = run(tf, a.reshape([...aShape!]), b.reshape([...bShape!]));
      return result.reshape([...commonShape([a, b])]);
    },
  };
}

/** A function whose operands are repeated first, which is faster than what the backend does. */
function together(
  run: (tf: Tf, ...tensors: TfTensor[]) => TfTensor,
  dtypes: readonly DType[],
): Implementation {
  return {
    dtypes,
    run: (tf, { inputs }, operands) => {
      const tensors = operands.map(tensorOf);
      const shape = commonShape(tensors);
      const flat = operands.map((held, k) =>
        whole(tf, { kind: "tensor", tensor: tensorOf(held), aval: { ...inputs[k]!, shape } })
          .flatten()
      );
      return run(tf, ...flat).reshape([...shape]);
    },
  };
}

/** `value`, or `x` where `x` is NaN, which the backend loses. */
function keepNan(tf: Tf, value: TfTensor, x: TfTensor): TfTensor {
  // A sum costs a tenth of a selection, and is NaN where an element is (or infinities cancel).
  if (!Number.isNaN(tf.sum(x).dataSync()[0])) return value;
  return select(tf, tf.notEqual(x, x), x, value);
}

/** The larger or the smaller of two; the backend keeps a NaN of the first and loses one of the second. */
function extremum(by: "maximum" | "minimum"): Implementation {
  const general = together((tf, a, b) => keepNan(tf, tf[by](a!, b!), b!), ["f32"]);
  const simple = together((tf, a, b) => tf[by](a!, b!), ["f32"]);
  // Its relu() loses those NaN that have a sign, the usual ones of many processors.
  const relu = unary((tf, x) => keepNan(tf, tf.relu(x), x));
  return {
    dtypes: ["f32"],
    run: (tf, node, operands) => {
      const constants = node.inputs.map(constantOf);
      const at = constants.findIndex((value) => value !== undefined && !Number.isNaN(value));
      if (at < 0) return general.run(tf, node, operands);
      const [x, bound] = [operands[1 - at]!, operands[at]!];
      if (by === "maximum" && constants[at] === 0) return relu.run(tf, node, [x]);
      return simple.run(tf, node, [x, bound]);
    },
  };
}

function power(tf: Tf, x: TfTensor, exponent: number): TfTensor {
  if (!Number.isInteger(exponent) || Math.abs(exponent) > 8) {
    return tf.pow(x, tf.fill(x.shape, exponent));
  }
  let result = tf.onesLike(x);
  for (let k = 0; k < Math.abs(exponent); k++) result = tf.mul(result, x);
  return exponent < 0 ? tf.reciprocal(result) : result;
}

function select(tf: Tf, ...[condition, a, b]: TfTensor[]): TfTensor {
  if (a!.dtype !== "bool") {
    // Unlike tf.where(), which copies its operands first.
    const inputs = { condition: condition!, t: a!, e: b! };
    return tf.engine().runKernel("Select", inputs) as TfTensor;
  }
  // The wasm backend's selection between booleans writes beyond its memory.
  const [first, second] = [
    tf.logicalAnd(condition!, a!),
    tf.logicalAnd(tf.logicalNot(condition!), b!),
  ];
  return tf.logicalOr(first, second);
}

/** Elementwise primitives by name. */
export const elementwiseImplementations: Readonly<Record<string, Implementation>> = {
  abs: unary((tf, x) => tf.abs(x)),
  sign: unary((tf, x) => {
    // The backend's own takes small numbers for 0.
    const zero = tf.scalar(0);
    const sign = tf.sub(tf.greater(x, zero).cast("float32"), tf.less(x, zero).cast("float32"));
    return keepNan(tf, sign, x);
  }),
  floor: unary((tf, x) => tf.floor(x)),
  neg: unary((tf, x) => tf.neg(x)),
  exp: unary((tf, x) => tf.exp(x)),
  log: unary((tf, x) => tf.log(x)),
  expm1: unary((tf, x) => tf.expm1(x)),
  softplus: unary((tf, x) => tf.softplus(x)),
  is_nan: unary((tf, x) => tf.isNaN(x)),
  is_finite: unary((tf, x) => tf.isFinite(x)),
  sqrt: unary((tf, x) => tf.sqrt(x)),
  rsqrt: unary((tf, x) => tf.rsqrt(x)),
  tanh: unary((tf, x) => tf.tanh(x)),
  sigmoid: unary((tf, x) => tf.sigmoid(x)),
  erf: unary((tf, x) => tf.erf(x)),
  not: unary((tf, x) => tf.logicalNot(x), ["bool"]),
  pow: {
    dtypes: ["f32"],
    run: (tf, { params }, [x]) => power(tf, tensorOf(x!), (params as PowParams).exponent),
  },
  convert: {
    dtypes: ["f32", "i32", "bool"],
    run: (tf, { params }, [x]) => {
      const { dtype } = params as ConvertParams;
      const tensor = tensorOf(x!);
      if (dtype === "u32" || (dtype === "bool" && tensor.dtype === "int32")) return undefined;
      // The backend wraps numbers beyond i32.
      if (dtype === "i32" && tensor.dtype === "float32") return undefined;
      if (dtype === "bool") return tf.notEqual(tensor, tf.zerosLike(tensor));
      return tf.cast(tensor, tfTypeOf(dtype));
    },
  },
  add: broadcasting((tf, a, b) => tf.add(a, b)),
  sub: broadcasting((tf, a, b) => tf.sub(a, b)),
  mul: broadcasting((tf, a, b) => tf.mul(a, b)),
  div: broadcasting((tf, a, b) => tf.div(a, b)),
  maximum: extremum("maximum"),
  minimum: extremum("minimum"),
  power: together((tf, a, b) => tf.pow(a!, b!), ["f32"]),
  equal: together((tf, a, b) => tf.equal(a!, b!), ["f32", "i32"]),
  less: together((tf, a, b) => tf.less(a!, b!), ["f32", "i32"]),
  less_equal: together((tf, a, b) => tf.lessEqual(a!, b!), ["f32", "i32"]),
  and: together((tf, a, b) => tf.logicalAnd(a!, b!), ["bool"]),
  or: together((tf, a, b) => tf.logicalOr(a!, b!), ["bool"]),
  select: together(select, ["bool"]),
};
