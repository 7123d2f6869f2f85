/** WGSL of indices, computed on the host. @module */
import { assertEquals } from "@std/assert";

/** A number as `f32`; plain numbers are `u32`. */
export class F32 {
  /** The number. */
  readonly value: number;

  /** Rounds a number. */
  constructor(value: number) {
    this.value = Math.fround(value);
  }
}

/** Values of variables by name. */
export type Point = Readonly<Record<string, number | F32>>;

type Value = number | F32;
type Expression = (point: Point) => Value;

/** What an operator does of two numbers of `u32`, and of two of `f32` where it has that. */
type Operator = readonly [(a: number, b: number) => number, ((a: number, b: number) => number)?];

/** Operators by precedence, those that bind most first. */
const OPERATORS: readonly Readonly<Record<string, Operator>>[] = [
  {
    "*": [Math.imul, (a, b) => a * b],
    "/": [(a, b) => Math.floor(a / b)],
    "%": [(a, b) => a % b],
  },
  { "+": [(a, b) => a + b, (a, b) => a + b], "-": [(a, b) => a - b] },
  { ">>": [(a, b) => a >>> b] },
  { "&": [(a, b) => a & b] },
];

/**
 * Reads the WGSL text of an index.
 *
 * @param text Sums, products, quotients, remainders, shifts and masks of `u32`, and products as `f32`.
 * @returns Its value where variables have given ones: `u32` wraps, `f32` is rounded.
 */
export function readIndexText(text: string): (point: Point) => number {
  const tokens = text.match(/\d+(\.\d+)?(e-\d+)?u?|[a-z]\w*|>>|[-+*/%&()]/g) ?? [];
  assertEquals(tokens.join(""), text.replaceAll(" ", ""));
  let at = 0;
  const parenthesis = (): Expression => {
    const inner = binary(OPERATORS.length - 1);
    assertEquals(tokens[at++], ")", text);
    return inner;
  };
  const primary = (): Expression => {
    const token = tokens[at++]!;
    if (token === "(") return parenthesis();
    if (token === "f32" || token === "u32") {
      assertEquals(tokens[at++], "(", text);
      const of = parenthesis();
      return (point) => {
        const value = of(point);
        if (token === "f32") return value instanceof F32 ? value : new F32(value);
        return value instanceof F32 ? Math.min(Math.trunc(value.value), 2 ** 32 - 1) : value;
      };
    }
    if (/^\d/.test(token)) {
      const value = token.endsWith("u") ? Number(token.slice(0, -1)) : new F32(Number(token));
      return () => value;
    }
    return (point) => {
      const value = point[token];
      if (value === undefined) throw new Error(`Nothing is known of ${token} in ${text}`);
      return value;
    };
  };
  const binary = (level: number): Expression => {
    const next = level === 0 ? primary : () => binary(level - 1);
    let left = next();
    for (;;) {
      const operator = OPERATORS[level]![tokens[at] ?? ""];
      if (!operator) return left;
      at++;
      const [a, b] = [left, next()];
      left = (point) => applied(operator, a(point), b(point));
    }
  };
  const value = binary(OPERATORS.length - 1);
  assertEquals(at, tokens.length, text);
  return (point) => {
    const found = value(point);
    if (found instanceof F32) throw new TypeError(`Expected an u32, found an f32: ${text}`);
    return found;
  };
}

function applied([ofU32, ofF32]: Operator, a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return ofU32(a, b) >>> 0;
  if (a instanceof F32 && b instanceof F32 && ofF32) return new F32(ofF32(a.value, b.value));
  // `0.5` takes the type of the other operand, of which all are `f32`.
  throw new TypeError("Expected two numbers of one type that the operator takes.");
}
