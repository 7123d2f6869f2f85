/**
 * Arithmetic of WGSL on the numbers that a kernel's text decides: bounds of loops, sizes, conditions.
 *
 * @module
 */

/** Simple operations that one of these takes, each a short polynomial or iteration on every adapter. */
export const FUNCTIONS: Readonly<Record<string, number>> = {
  ...{ sqrt: 4, inverseSqrt: 4, exp: 10, exp2: 8, log: 10, log2: 8, pow: 20, sin: 10, cos: 10 },
  ...{ tan: 20, tanh: 20, fract: 2, floor: 1, round: 1, select: 1, bitcast: 0 },
};

/** Simple operations of a quotient or a remainder. */
export const QUOTIENT = 4;

/** The result of an operator, where both sides are known, or one decides. */
export function compute(
  op: string,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  if (a === undefined || b === undefined) {
    // One side decides.
    if (op === "&&" && (a === 0 || b === 0)) return 0;
    if (op === "||" && (a || b)) return 1;
    return undefined;
  }
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0 ? undefined : Math.trunc(a / b);
    case "%":
      return b === 0 ? undefined : a % b;
    case "<":
      return +(a < b);
    case ">":
      return +(a > b);
    case "<=":
      return +(a <= b);
    case ">=":
      return +(a >= b);
    case "==":
      return +(a === b);
    case "!=":
      return +(a !== b);
    case "&&":
      return +(a !== 0 && b !== 0);
    case "||":
      return +(a !== 0 || b !== 0);
    case "&":
    case "|":
      // Bits of a float are not its number.
      if (!Number.isInteger(a) || !Number.isInteger(b)) return undefined;
      return Number(op === "&" ? BigInt(a) & BigInt(b) : BigInt(a) | BigInt(b));
    case "<<":
      return a * 2 ** b;
    case ">>":
      return Math.floor(a / 2 ** b);
    default:
      return undefined;
  }
}

/** The result of a builtin function of known numbers. */
export function computeBuiltin(name: string, numbers: readonly number[]): number | undefined {
  const [a, b, c] = numbers;
  switch (name) {
    case "min":
      return Math.min(...numbers);
    case "max":
      return Math.max(...numbers);
    case "clamp":
      return Math.min(Math.max(a!, b!), c!);
    case "select":
      return c ? b : a;
    case "abs":
      return Math.abs(a!);
    default:
      return undefined;
  }
}
