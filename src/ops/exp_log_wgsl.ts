/**
 * WGSL of exponential and logarithm.
 *
 * That of WGSL itself may be off by `3 + 2 |x|` units in the last place (exponential), and by 2^-21
 * near 1 (logarithm; section 15.7.4 of its specification), and adapters do use the freedom. These
 * are off by less than 3 units wherever argument and result are normal numbers.
 *
 * @module
 */
import type { Emitter } from "../ir/primitive.ts";

/** The WGSL types and the suffix of names at the emitter's width. */
function typesOf(
  emitter: Emitter,
): { real: string; integer: string; unsigned: string; suffix: string } {
  const real = emitter.type("f32");
  return {
    real,
    integer: emitter.type("i32"),
    unsigned: emitter.type("u32"),
    suffix: real === "f32" ? "scalar" : "vector",
  };
}

/**
 * Statements that write `x` as `k ln 2 + r` and set `p` to `e^r - 1`: a series that does not cancel.
 * From 89 on the exponential is infinite, below -104 nothing.
 */
function reduction(real: string): string {
  return `  let inside = clamp(x, ${real}(-104.0), ${real}(89.0));
  let k = round(inside * 1.442695);
  let r = (inside - k * 0.693359375) + k * 2.1219444e-4;
  let p = r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0)))));`;
}

/**
 * Declares the WGSL function `e^x` of numbers and infinities, `2^k (1 + p)`, and returns its name.
 *
 * @param emitter Where it is declared.
 */
export function expHelper(emitter: Emitter): string {
  const { real, integer, unsigned, suffix } = typesOf(emitter);
  const name = `exp_${suffix}`;
  // 2^k may be too large or too small for a number, its two halves are not.
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
${reduction(real)}
  let first = ${integer}(k) / ${integer}(2);
  let second = ${integer}(k) - first;
  let a = bitcast<${real}>((first + ${integer}(127)) << ${unsigned}(23u));
  let b = bitcast<${real}>((second + ${integer}(127)) << ${unsigned}(23u));
  return (a + p * a) * b;
}`,
  );
  return name;
}

/**
 * Declares the WGSL function `e^x - 1` of numbers and infinities, `2^k p + (2^k - 1)`, and returns
 * its name.
 *
 * @param emitter Where it is declared.
 */
export function expm1Helper(emitter: Emitter): string {
  const { real, integer, unsigned, suffix } = typesOf(emitter);
  const name = `expm1_${suffix}`;
  // 2^k may exceed the greatest number, its half does not; below 2^-125 it is nothing beside 1.
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
${reduction(real)}
  let half = bitcast<${real}>((max(${integer}(k), ${integer}(-125)) + ${integer}(126)) << ${unsigned}(23u));
  return select(((half - 0.5) + p * half) * 2.0, p, k == ${real}(0.0));
}`,
  );
  return name;
}

/** The series of `2 artanh(s) = ln((1 + s) / (1 - s))` for `|s| < 0.18`. */
const ARTANH =
  "2.0 * s + 2.0 * s * z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z / 11.0))))";

/**
 * Declares the WGSL function `ln x` and returns its name.
 *
 * With `x = 2^k m` and `m` between the roots of 1/2 and 2 it is `k ln 2 + 2 artanh((m - 1) / (m + 1))`.
 * Numbers too small for this are left to WGSL's own.
 *
 * @param emitter Where it is declared.
 */
export function logHelper(emitter: Emitter): string {
  const { real, integer, unsigned, suffix } = typesOf(emitter);
  const name = `log_${suffix}`;
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
  let bits = bitcast<${integer}>(x);
  let k = (bits - ${integer}(0x3f3504f3)) >> ${unsigned}(23u);
  let m = bitcast<${real}>(bits - (k << ${unsigned}(23u)));
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let value = ${real}(k) * 0.693359375 + (${ARTANH} - ${real}(k) * 2.1219444e-4);
  let isNormal = bitcast<${unsigned}>(bits - ${integer}(0x00800000)) < ${unsigned}(0x7f000000u);
  let small = select(log(x), value, isNormal);
  let positive = select(small, x, bits >= ${integer}(0x7f800000));
  let number = select(positive, ${emitter.literal(NaN, "f32")}, bits < ${integer}(0));
  return select(number, ${emitter.literal(-Infinity, "f32")}, x == ${real}(0.0));
}`,
  );
  return name;
}

/**
 * Declares the WGSL function `ln(1 + x)` and returns its name.
 *
 * Near 0 it is `2 artanh(x / (2 + x))`.
 *
 * @param emitter Where it is declared.
 */
export function log1pHelper(emitter: Emitter): string {
  const { real, suffix } = typesOf(emitter);
  const name = `log1p_${suffix}`;
  const log = logHelper(emitter);
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
  let s = x / (2.0 + x);
  let z = s * s;
  return select(${log}(1.0 + x), ${ARTANH}, abs(x) < ${real}(0.4));
}`,
  );
  return name;
}
