/** Selection between two tensors, and with it maximum and minimum. @module */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Node, type Tensor } from "../ir/tensor.ts";
import { keepNan, keepNans, reluCode } from "../ir/wgsl_numbers.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { lessEqual } from "./compare.ts";
import { constantOf, like } from "./fill.ts";

/** `condition ? a : b`. */
export const selectP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "select",
  arity: 3,
  dtype: ([condition, a, b]) => {
    if (condition !== "bool" || a !== b || a === undefined) {
      throw new TypeError("expected a bool condition and two operands of one type.");
    }
    return a;
  },
  compute: (_, condition, a, b) => condition ? a! : b!,
  jvp: ({ inputs: [condition, a] }, [, da, db]) => {
    if (!da && !db) return null;
    const zero = like(a!, 0);
    return select(condition!, da ?? zero, db ?? zero);
  },
  transpose: ({ inputs: [condition] }, ct, linear) => {
    const zero = like(ct, 0);
    return [
      null,
      linear[1] ? select(condition!, ct, zero) : null,
      linear[2] ? select(condition!, zero, ct) : null,
    ];
  },
  cost: 1,
  wgsl: ([condition, a, b]) => `select(${b}, ${a}, ${condition})`,
});

/**
 * Code of the larger or the smaller of two values that keeps NaN, which WGSL's own may drop. A
 * constant operand needs no test, and the larger of a number and 0 only one comparison.
 */
function extremum(
  by: "max" | "min",
  [a, b]: readonly [string, string],
  emitter: Emitter,
  { inputs }: Pick<Node, "inputs">,
): string {
  const value = `${by}(${a}, ${b})`;
  if (inputs[0]!.dtype !== "f32") return value;
  const operands = [a, b].filter((_, k) => {
    const constant = constantOf(inputs[k]!);
    return constant === undefined || Number.isNaN(constant);
  });
  const isRelu = by === "max" && operands.length === 1 && inputs.some((x) => constantOf(x) === 0);
  if (isRelu) return reluCode(operands[0]!, emitter);
  if (operands.length === 0) return value;
  return operands.length === 1
    ? keepNan(value, operands[0]!, emitter)
    : keepNans(value, operands, emitter);
}

/**
 * The larger of two values, NaN where one is; where they are equal the derivative goes to the first,
 * and where one is NaN to the second.
 */
export const maximumP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "maximum",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32", "i32", "u32"),
  compute: (_, a, b) => Math.max(a, b),
  jvp: ({ inputs: [a, b] }, [da, db]) => {
    if (!da && !db) return null;
    const zero = like(a!, 0);
    return select(lessEqual(b!, a!), da ?? zero, db ?? zero);
  },
  transpose: "not linear",
  cost: 1,
  wgsl: ([a, b], emitter, node) => extremum("max", [a!, b!], emitter, node),
});

/**
 * The smaller of two values, NaN where one is; where they are equal the derivative goes to the
 * first, and where one is NaN to the second.
 */
export const minimumP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "minimum",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32", "i32", "u32"),
  compute: (_, a, b) => Math.min(a, b),
  jvp: ({ inputs: [a, b] }, [da, db]) => {
    if (!da && !db) return null;
    const zero = like(a!, 0);
    return select(lessEqual(a!, b!), da ?? zero, db ?? zero);
  },
  transpose: "not linear",
  cost: 1,
  wgsl: ([a, b], emitter, node) => extremum("min", [a!, b!], emitter, node),
});

/** `condition ? a : b`, elementwise, operands of one shape. */
export function select(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  return apply(selectP, null, [condition, a, b]);
}
/** The larger of `a` and `b`, elementwise. */
export function maximum(a: Tensor, b: Tensor): Tensor {
  return apply(maximumP, null, [a, b]);
}
/** The smaller of `a` and `b`, elementwise. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return apply(minimumP, null, [a, b]);
}
