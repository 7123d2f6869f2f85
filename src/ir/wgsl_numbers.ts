/**
 * WGSL for numbers that are not finite.
 *
 * Compilers of shaders assume that there are none: they fold `x != x` to false, `x - x` to 0 and
 * drop the NaN of `max(NaN, 1)`, and WGSL has no literal for NaN or infinity. Integers they leave
 * alone, so everything here asks and makes bits. What the numbers mean is written at `isNan()`.
 *
 * @module
 */
import type { Emitter } from "./primitive.ts";

/** Where WGSL is written: the part of an {@linkcode Emitter} that declares functions. */
export type WgslScope = Pick<Emitter, "type" | "helper">;

/** Bits of positive infinity; those of NaN without the sign are greater. */
export const INFINITY_BITS = "0x7f800000";

/** Bits of negative infinity as `i32`: of the negative numbers it has the greatest, NaN above. */
const NEGATIVE_INFINITY = "-8388608";

/** Declares a function of the scope's width and returns its name. */
function declare(
  scope: WgslScope,
  name: string,
  source: (types: { name: string; real: string; integer: string }) => string,
): string {
  const [real, integer] = [scope.type("f32"), scope.type("i32")];
  const full = real === "f32" ? `${name}_scalar` : `${name}_vector`;
  scope.helper(full, source({ name: full, real, integer }));
  return full;
}

/** The bits of `x` without its sign, as `i32`: ordered like `|x|`, NaN above infinity. */
export function magnitudeBits(x: string, scope: WgslScope): string {
  const name = declare(
    scope,
    "magnitude_bits",
    ({ name, real, integer }) =>
      `fn ${name}(x: ${real}) -> ${integer} {
  return bitcast<${integer}>(x) & ${integer}(0x7fffffff);
}`,
  );
  return `${name}(${x})`;
}

/** Whether {@linkcode magnitudeBits} are those of NaN. */
export function areNanBits(bits: string, scope: WgslScope): string {
  return `(${bits} > ${scope.type("i32")}(${INFINITY_BITS}))`;
}

/** Whether `x` is NaN. */
export function isNanCode(x: string, scope: WgslScope): string {
  return areNanBits(magnitudeBits(x, scope), scope);
}

/** Whether `x` is neither NaN nor infinite. */
export function isFiniteCode(x: string, scope: WgslScope): string {
  return `(${magnitudeBits(x, scope)} < ${scope.type("i32")}(${INFINITY_BITS}))`;
}

/** `value`, or `x` where `x` is NaN. */
export function keepNan(value: string, x: string, scope: WgslScope): string {
  return `select(${value}, ${x}, ${isNanCode(x, scope)})`;
}

/** `value`, or NaN where `x` or `y` is: not their sum, which compilers may know to be another number. */
export function keepNans(value: string, [x, y]: readonly string[], scope: WgslScope): string {
  const name = declare(
    scope,
    "keep_nans",
    ({ name, real }) =>
      `fn ${name}(value: ${real}, x: ${real}, y: ${real}) -> ${real} {
  let bits = max(${magnitudeBits("x", scope)}, ${magnitudeBits("y", scope)});
  return select(value, bitcast<${real}>(bits), ${areNanBits("bits", scope)});
}`,
  );
  return `${name}(${value}, ${x}, ${y})`;
}

/** `max(x, 0)` that keeps NaN: the negative numbers are those whose bits are at most -infinity's. */
export function reluCode(x: string, scope: WgslScope): string {
  const [real, integer] = [scope.type("f32"), scope.type("i32")];
  return `select(${x}, ${real}(0.0), bitcast<${integer}>(${x}) <= ${integer}(${NEGATIVE_INFINITY}))`;
}

/** Zero, or NaN where `x` is not finite: `x - x`, and with a sign `x * 0`. */
export function zeroOf(x: string, scope: WgslScope): string {
  const name = declare(
    scope,
    "zero_of",
    ({ name, real, integer }) =>
      `fn ${name}(x: ${real}) -> ${real} {
  let exponent = bitcast<${integer}>(x) & ${integer}(${INFINITY_BITS});
  return bitcast<${real}>(select(${integer}(0), ${integer}(0x7fc00000), exponent == ${integer}(${INFINITY_BITS})));
}`,
  );
  return `${name}(${x})`;
}

/** A literal `f32` that is not finite; it goes through a variable, which compilers do not refuse. */
export function nonFiniteLiteral(value: number, scope: Pick<WgslScope, "helper">): string {
  const [name, bits] = Number.isNaN(value)
    ? ["not_a_number", "0x7fc00000u"]
    : value > 0
    ? ["positive_infinity", "0x7f800000u"]
    : ["negative_infinity", "0xff800000u"];
  scope.helper(
    name,
    `fn ${name}() -> f32 {
  var bits = ${bits};
  return bitcast<f32>(bits);
}`,
  );
  return `${name}()`;
}
