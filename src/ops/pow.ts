/** Powers, with a constant exponent and with a tensor of exponents. @module */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { abs } from "./abs.ts";
import { add, sub } from "./add.ts";
import { keepNans } from "../ir/wgsl_numbers.ts";
import { and, not } from "./logical.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { equal, less, lessEqual } from "./compare.ts";
import { log } from "./exp_log.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";

/** Parameters of {@linkcode powP}. */
export interface PowParams {
  /** The exponent. */
  readonly exponent: number;
}

/** Largest whole exponent, without its sign, that becomes a chain of products. */
const MOST_PRODUCTS = 64;

/**
 * `x` to a constant power, as in IEEE 754: `x^0` is 1 for every `x`; a negative `x` to a fraction is
 * NaN. The derivative is `exponent x^(exponent - 1)`: at 0 it is infinite for exponents below 1.
 */
export const powP: Primitive<PowParams> = /* @__PURE__ */ defineElementwise<PowParams>({
  name: "pow",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: ({ exponent }, x) => ieeePower(x, exponent),
  jvp: ({ inputs: [x], params: { exponent } }, [t]) => {
    if (!t || exponent === 0) return null;
    return mul(t, mul(like(x!, exponent), pow(x!, exponent - 1)));
  },
  transpose: ({ params: { exponent } }, ct) => {
    if (exponent !== 1) {
      throw new Error("Cannot transpose 'pow': it is linear for exponent 1 only.");
    }
    return [ct];
  },
  cost: 10,
  wgsl: ([x], emitter, { params: { exponent } }) => {
    const whole = Number.isInteger(exponent) && Math.abs(exponent) <= MOST_PRODUCTS;
    if (!whole) return powerCode(x!, emitter.literal(exponent, "f32"), emitter);
    const product = exponent === 0
      ? emitter.literal(1, "f32")
      : productCode(x!, Math.abs(exponent), emitter);
    return exponent < 0 ? `(1.0 / ${product})` : product;
  },
});

/**
 * `a^b`, elementwise, as in IEEE 754: a negative `a` needs a whole `b`, else it is NaN; `a^0` and
 * `1^b` are 1, for NaN too.
 *
 * Derivatives as in PyTorch: by `a` it is `b a^(b - 1)`, and 0 where `b` is 0; by `b` it is
 * `a^b ln a`, 0 where `a` is 0 and `b` is not negative, and NaN where `a` is negative.
 */
export const powerP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "power",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, a, b) => ieeePower(a, b),
  jvp: ({ inputs: [a, b], outputs: [y] }, [da, db]) => {
    const zero = like(a!, 0);
    // Where b is 0 and a is not, b a^(b - 1) is 0, and has the right derivatives.
    const still = and(equal(b!, zero), not(less(zero, abs(a!))));
    const slope = mul(b!, power(a!, sub(b!, like(b!, 1))));
    const byBase = da && mul(da, select(still, zero, slope));
    // The logarithm is not taken where it is not used, so that its own derivative stays finite.
    const flat = and(equal(a!, zero), lessEqual(zero, b!));
    const logarithm = log(select(flat, like(a!, 1), a!));
    const byExponent = db && mul(db, select(flat, zero, mul(y!, logarithm)));
    return byBase && byExponent ? add(byBase, byExponent) : byBase || byExponent || null;
  },
  transpose: "not linear",
  cost: 30,
  wgsl: ([a, b], emitter) => powerCode(a!, b!, emitter),
});

/** IEEE 754 `pow`, of which that of JavaScript differs where the base is 1 or -1. */
function ieeePower(base: number, exponent: number): number {
  if (base === 1) return 1;
  return base === -1 && Math.abs(exponent) === Infinity ? 1 : Math.pow(base, exponent);
}

/** `x` to a whole power from 1, by repeated squaring. */
function productCode(x: string, exponent: number, emitter: Emitter): string {
  if (exponent <= 4) return `(${new Array(exponent).fill(x).join(" * ")})`;
  const real = emitter.type("f32");
  const name = `power_${exponent}_${real === "f32" ? "scalar" : "vector"}`;
  const lines = [...exponent.toString(2).slice(1)].map((bit) =>
    `  y = y * y${bit === "1" ? " * x" : ""};`
  );
  emitter.helper(
    name,
    [`fn ${name}(x: ${real}) -> ${real} {`, "  var y = x;", ...lines, "  return y;", "}"].join(
      "\n",
    ),
  );
  return `${name}(${x})`;
}

/** `x` to the power `y`; WGSL's own says nothing of negative bases, zeros, NaN and infinities. */
function powerCode(x: string, y: string, emitter: Emitter): string {
  const [real, integer] = [emitter.type("f32"), emitter.type("i32")];
  const name = real === "f32" ? "power_scalar" : "power_vector";
  const [zero, one] = [emitter.literal(0, "f32"), emitter.literal(1, "f32")];
  emitter.helper(
    name,
    `fn ${name}(x: ${real}, y: ${real}) -> ${real} {
  let whole = floor(y) == y;
  let odd = whole & (floor(y * 0.5) * 2.0 != y);
  let infinite = abs(y) >= ${emitter.literal(Infinity, "f32")};
  let nothing = select(${zero}, ${emitter.literal(Infinity, "f32")}, y < ${zero});
  let number = select(pow(abs(x), y), nothing, abs(x) == ${zero});
  let magnitude = select(number, ${one}, (abs(x) == ${one}) & infinite);
  let isNegative = bitcast<${integer}>(x) < ${integer}(0);
  let signed = select(magnitude, -magnitude, odd & isNegative);
  let known = whole | (x >= ${zero}) | (abs(x) >= ${emitter.literal(Infinity, "f32")});
  let value = select(${emitter.literal(NaN, "f32")}, signed, known);
  let result = ${keepNans("value", ["x", "y"], emitter)};
  return select(result, ${one}, (y == ${zero}) | (x == ${one}));
}`,
  );
  return `${name}(${x}, ${y})`;
}

/** `x` to the constant power `exponent`, elementwise. */
export function pow(x: Tensor, exponent: number): Tensor {
  return apply(powP, { exponent }, [x]);
}

/** `a` to the power `b`, elementwise, operands of one shape. */
export function power(a: Tensor, b: Tensor): Tensor {
  return apply(powerP, null, [a, b]);
}
