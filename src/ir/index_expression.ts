/**
 * Symbolic integer index expressions with known ranges.
 *
 * An index is an affine sum of atoms; quotients and remainders are simplified by range analysis,
 * so that a chain of reshapes, permutations and slices costs only the arithmetic it needs. Values
 * are computed in wrapping `u32`; a negative intermediate is allowed where its use is guarded.
 *
 * @module
 */
import { type Shape, stridesOf } from "./aval.ts";

/** A variable, or a quotient or remainder that could not be simplified. */
export interface Atom {
  /** Structural identity: equal keys are equal values. */
  readonly key: string;
  /** Smallest value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
  /** Present for quotients and remainders: the operand, and which of the two. */
  readonly compound?: { readonly op: "/" | "%"; readonly of: Index; readonly by: number };
}

/** An affine sum of atoms. */
export interface Index {
  /** Summands, in the order of their keys. */
  readonly terms: readonly { readonly atom: Atom; readonly coefficient: number }[];
  /** Constant summand. */
  readonly constant: number;
  /** Smallest value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
}

function make(terms: Map<string, { atom: Atom; coefficient: number }>, constant: number): Index {
  let min = constant;
  let max = constant;
  const kept = [...terms.values()].filter((term) => term.coefficient !== 0);
  kept.sort((a, b) => a.atom.key < b.atom.key ? -1 : 1);
  for (const { atom, coefficient } of kept) {
    min += coefficient * (coefficient > 0 ? atom.min : atom.max);
    max += coefficient * (coefficient > 0 ? atom.max : atom.min);
  }
  return { terms: kept, constant, min, max };
}

/** The index with one fixed value. */
export function constantIndex(value: number): Index {
  return { terms: [], constant: value, min: value, max: value };
}

/** A variable of `[0, extent)`; `key` is its WGSL expression (a `u32`). */
export function variableIndex(key: string, extent: number): Index {
  if (extent === 1) return constantIndex(0);
  return atomIndex({ key, min: 0, max: extent - 1 });
}

function atomIndex(atom: Atom): Index {
  return { terms: [{ atom, coefficient: 1 }], constant: 0, min: atom.min, max: atom.max };
}

/** Sum of two indices. */
export function addIndex(a: Index, b: Index): Index {
  if (b.terms.length === 0) {
    return {
      ...a,
      constant: a.constant + b.constant,
      min: a.min + b.constant,
      max: a.max + b.constant,
    };
  }
  const terms = new Map(a.terms.map((term) => [term.atom.key, { ...term }]));
  for (const term of b.terms) {
    const found = terms.get(term.atom.key);
    if (found) found.coefficient += term.coefficient;
    else terms.set(term.atom.key, { ...term });
  }
  return make(terms, a.constant + b.constant);
}

/** An index plus a constant. */
export function offsetIndex(index: Index, by: number): Index {
  return by === 0 ? index : addIndex(index, constantIndex(by));
}

/** An index times a constant. */
export function scaleIndex(index: Index, by: number): Index {
  if (by === 1) return index;
  return make(
    new Map(
      index.terms.map((
        { atom, coefficient },
      ) => [atom.key, { atom, coefficient: coefficient * by }]),
    ),
    index.constant * by,
  );
}

/** Splits an index into a multiple of `by` and the rest, in which no coefficient is as large as `by`. */
export function splitIndex(index: Index, by: number): { whole: Index; rest: Index } {
  return split(index, by, (coefficient) => Math.trunc(coefficient / by));
}

/** Splits off what is a multiple of `by` without its other terms: quotient and remainder keep the same rest. */
function splitMultiples(index: Index, by: number): { whole: Index; rest: Index } {
  return split(index, by, (coefficient) => coefficient % by === 0 ? coefficient / by : 0);
}

function split(
  index: Index,
  by: number,
  quotientOf: (coefficient: number) => number,
): { whole: Index; rest: Index } {
  const whole = new Map<string, { atom: Atom; coefficient: number }>();
  const rest = new Map<string, { atom: Atom; coefficient: number }>();
  for (const { atom, coefficient } of index.terms) {
    const quotient = quotientOf(coefficient);
    const remainder = coefficient - quotient * by;
    if (quotient !== 0) whole.set(atom.key, { atom, coefficient: quotient });
    if (remainder !== 0) rest.set(atom.key, { atom, coefficient: remainder });
  }
  const constant = Math.floor(index.constant / by);
  return { whole: make(whole, constant), rest: make(rest, index.constant - constant * by) };
}

/** Quotient by a positive constant, rounded down; meaningful where the index is not negative. */
export function divideIndex(index: Index, by: number): Index {
  if (by === 1) return index;
  const plain = splitIndex(index, by);
  if (plain.rest.min >= 0 && plain.rest.max < by) return plain.whole;
  const { whole, rest } = splitMultiples(index, by);
  if (rest.min < 0) return compound("/", index, by);
  const common = factor(rest, by);
  if (common) return addIndex(whole, divideIndex(common.large, by / common.by));
  return addIndex(whole, compound("/", rest, by));
}

/** Remainder of the division by a positive constant; meaningful where the index is not negative. */
export function moduloIndex(index: Index, by: number): Index {
  if (by === 1) return constantIndex(0);
  const plain = splitIndex(index, by);
  if (plain.rest.min >= 0 && plain.rest.max < by) return plain.rest;
  const { rest } = splitMultiples(index, by);
  if (rest.min < 0) return compound("%", index, by);
  const common = factor(rest, by);
  if (common) {
    return addIndex(scaleIndex(moduloIndex(common.large, by / common.by), common.by), common.small);
  }
  return compound("%", rest, by);
}

/**
 * Writes an index as `factor * large + small` with `0 <= small < factor` and `factor` a divisor of
 * `by`, where that is plain to see: then quotient and remainder concern `large` only.
 */
function factor(index: Index, by: number): { by: number; large: Index; small: Index } | undefined {
  let common = by;
  for (const { coefficient } of index.terms) {
    if (Math.abs(coefficient) > 1) common = greatestCommonDivisor(common, Math.abs(coefficient));
  }
  if (common === 1) return undefined;
  const { whole, rest } = splitIndex(index, common);
  return rest.min >= 0 && rest.max < common ? { by: common, large: whole, small: rest } : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function compound(op: "/" | "%", of: Index, by: number): Index {
  const only = of.terms.length === 1 && of.constant === 0 && of.terms[0]!.coefficient === 1
    ? of.terms[0]!.atom.compound
    : undefined;
  if (only?.op === "/" && op === "/") return divideIndex(only.of, only.by * by);
  const [min, max] = op === "/"
    ? [Math.floor(Math.max(of.min, 0) / by), Math.floor(Math.max(of.max, 0) / by)]
    : [0, by - 1];
  if (min === max) return constantIndex(min);
  return atomIndex({ key: `(${indexKey(of)} ${op} ${by}u)`, min, max, compound: { op, of, by } });
}

/** Structural identity of an index, which is also its WGSL expression (a `u32`). */
export function indexKey(index: Index): string {
  const parts: string[] = [];
  for (const { atom, coefficient } of index.terms) {
    if (coefficient === 1) parts.push(atom.key);
    else if (coefficient > 0) parts.push(`${atom.key} * ${coefficient}u`);
    else parts.push(`${atom.key} * ${(coefficient + 2 ** 32) >>> 0}u`);
  }
  if (index.constant !== 0 || parts.length === 0) parts.push(`${index.constant >>> 0}u`);
  return parts.length === 1 ? parts[0]! : `(${parts.join(" + ")})`;
}

/** Row-major position of a multi-index in an array of the given shape. */
export function flattenIndex(index: readonly Index[], shape: Shape): Index {
  const strides = stridesOf(shape);
  let flat = constantIndex(0);
  index.forEach((part, axis) => {
    if (shape[axis] !== 1) flat = addIndex(flat, scaleIndex(part, strides[axis]!));
  });
  return recombine(flat);
}

/** Undoes divisions: `c * (x % k) + c * k * (x / k)` is `c * x`. */
function recombine(index: Index): Index {
  for (const { atom, coefficient } of index.terms) {
    if (atom.compound?.op !== "%") continue;
    const { of, by } = atom.compound;
    const partner = index.terms.find((term) =>
      term.coefficient === coefficient * by && isQuotient(term.atom, of, by)
    );
    if (!partner) continue;
    const others = index.terms.filter((term) => term.atom !== atom && term !== partner);
    const rest = make(new Map(others.map((term) => [term.atom.key, { ...term }])), index.constant);
    return recombine(addIndex(rest, scaleIndex(of, coefficient)));
  }
  return index;
}

/** Whether an atom is the quotient of an index, also where that is itself a quotient: `x / 6` is `(x / 3) / 2`. */
function isQuotient({ key, compound }: Atom, of: Index, by: number): boolean {
  if (key === indexKey(divideIndex(of, by))) return true;
  return compound?.op === "/" && compound.by % by === 0 &&
    indexKey(divideIndex(compound.of, compound.by / by)) === indexKey(of);
}

/** Multi-index of a row-major position in an array of the given shape. */
export function unflattenIndex(flat: Index, shape: Shape): Index[] {
  const strides = stridesOf(shape);
  return shape.map((extent, axis) => {
    if (extent === 1) return constantIndex(0);
    const quotient = divideIndex(flat, strides[axis]!);
    return axis === 0 || quotient.max < extent && quotient.min >= 0
      ? quotient
      : moduloIndex(quotient, extent);
  });
}

/** Whether an index depends on the variable `key`. */
export function dependsOn(index: Index, key: string): boolean {
  return index.terms.some(({ atom }) =>
    atom.key === key || (atom.compound !== undefined && dependsOn(atom.compound.of, key))
  );
}

/** Coefficient of the variable `key`, or `undefined` where it hides in a quotient or remainder. */
export function coefficientOf(index: Index, key: string): number | undefined {
  let coefficient = 0;
  for (const term of index.terms) {
    if (term.atom.key === key) coefficient += term.coefficient;
    else if (term.atom.compound && dependsOn(term.atom.compound.of, key)) return undefined;
  }
  return coefficient;
}

/** The index with the variable `key` replaced by a constant. */
export function substituteIndex(index: Index, key: string, value: number): Index {
  if (!dependsOn(index, key)) return index;
  let result = constantIndex(index.constant);
  for (const { atom, coefficient } of index.terms) {
    let part = atomIndex(atom);
    if (atom.key === key) part = constantIndex(value);
    else if (atom.compound && dependsOn(atom.compound.of, key)) {
      const of = substituteIndex(atom.compound.of, key, value);
      part = atom.compound.op === "/"
        ? divideIndex(of, atom.compound.by)
        : moduloIndex(of, atom.compound.by);
    }
    result = addIndex(result, scaleIndex(part, coefficient));
  }
  return result;
}
