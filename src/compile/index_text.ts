/**
 * WGSL of indices whose strides and extents are read at run time: kernels for other shapes then have the same text.
 *
 * @module
 */
import { type Atom, type Index, splitIndex } from "../ir/index_expression.ts";

/**
 * Most iterations of a loop whose bound stands in the text. Drivers unroll such loops, which takes them several times
 * as long to compile; short ones are faster for it, and know what their counter is divided by.
 */
export const UNROLLED = 4;

/**
 * Indices below this one are divided as `f32`, by a product with the reciprocal: the errors of the three operations
 * are together less than half a step of the divisor.
 */
const DIVIDED_AS_F32 = 2 ** 21;

/** Most numbers of the indices of a kernel that are read: every invocation reads them, and such kernels share nothing. */
const MOST_SIZES = 16;

/** What the indices of a kernel need of it. */
export interface IndexScope {
  /** Name of the variable that holds a number read at run time. */
  size(value: number, type: "u32" | "f32"): string;
  /** Name of a variable with this value, where the index is known that it depends on. */
  name(code: string, of: Index): string;
}

/** Writes the indices of one kernel; equal quotients, remainders and strides are written once. */
export class IndexText {
  readonly #scope: IndexScope;
  readonly #names = new Map<string, string>();
  #sizes = 0;

  /** Writes indices of a kernel that has none yet. */
  constructor(scope: IndexScope) {
    this.#scope = scope;
  }

  /** Expression of an index, a `u32`; a sum is in parentheses. */
  of(index: Index): string {
    const parts = index.terms.map(({ atom, coefficient }) => this.#term(atom, coefficient));
    if (index.constant !== 0 || parts.length === 0) parts.push(`${index.constant >>> 0}u`);
    return parts.length === 1 ? parts[0]! : `(${parts.join(" + ")})`;
  }

  /** Expression of a number that an index is compared with. */
  bound(index: Index, value: number): string {
    if (index.terms.length === 0) return `${value}u`;
    return this.#size(`${this.of(index)} <`, value);
  }

  #term(atom: Atom, coefficient: number): string {
    const code = this.#atom(atom);
    if (coefficient === 1) return code;
    return `${code} * ${this.#size(`${code} *`, coefficient >>> 0)}`;
  }

  #atom({ key, compound }: Atom): string {
    if (compound === undefined) return key;
    const { op, of, by } = compound;
    if (of.max < UNROLLED) return `(${this.of(of)} ${op} ${by}u)`;
    // Of smaller numbers, which are divided faster.
    const { whole, rest } = splitIndex(of, by);
    if (rest.min < 0) return op === "/" ? this.#quotient(of, by) : this.#remainder(of, by);
    if (op === "%") return this.#remainder(rest, by);
    const quotient = this.#quotient(rest, by);
    return whole.terms.length + whole.constant === 0
      ? quotient
      : `(${quotient} + ${this.of(whole)})`;
  }

  #quotient(of: Index, by: number): string {
    const code = this.#operand(of);
    return this.#named(`${code} / ${by}`, of, (what) => {
      if (isPowerOfTwo(by)) return `${code} >> ${this.#size(what, Math.log2(by))}`;
      if (!dividesAsF32(of)) return `${code} / ${by}u`;
      return `u32((f32(${code}) + 0.5) * ${this.#size(what, 1 / by, "f32")})`;
    });
  }

  #remainder(of: Index, by: number): string {
    const code = this.#operand(of);
    return this.#named(`${code} % ${by}`, of, (what) => {
      if (isPowerOfTwo(by)) return `${code} & ${this.#size(what, by - 1)}`;
      if (!dividesAsF32(of)) return `${code} % ${by}u`;
      return `${code} - ${this.#quotient(of, by)} * ${this.#size(what, by)}`;
    });
  }

  /** Expression of an index that stands before any operator. */
  #operand(index: Index): string {
    const code = this.of(index);
    return /^(\w+|\(.*\))$/.test(code) ? code : `(${code})`;
  }

  #size(what: string, value: number, type: "u32" | "f32" = "u32"): string {
    return this.#known(`${what} ${value}`, () => {
      if (this.#sizes++ < MOST_SIZES) return this.#scope.size(value, type);
      return type === "u32" ? `${value}u` : `f32(${value})`;
    });
  }

  #named(what: string, of: Index, code: (what: string) => string): string {
    return this.#known(what, () => this.#scope.name(code(what), of));
  }

  #known(what: string, make: () => string): string {
    let name = this.#names.get(what);
    if (name === undefined) this.#names.set(what, name = make());
    return name;
  }
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}

function dividesAsF32({ min, max }: Index): boolean {
  return min >= 0 && max < DIVIDED_AS_F32;
}
