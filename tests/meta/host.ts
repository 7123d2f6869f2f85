/** Running traced functions on the reference interpreter. @module */
import { check } from "../../src/ir/check.ts";
import type { DType, Shape } from "../../src/ir/aval.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import { callP } from "../../src/transform/call.ts";
import type { Program } from "../../src/ir/program.ts";
import { trace } from "../../src/transform/trace.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";

/** An array with its shape and type, to be a leaf of a tree. */
export class Value {
  readonly array: NdArray;
  constructor(array: NdArray) {
    this.array = array;
  }
}

/** A generator of numbers in [0, 1). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A value of the given elements, or of seeded uniform numbers in [-1, 1). */
export function value(
  shape: Shape,
  elements: ArrayLike<number> | (() => number),
  dtype: DType = "f32",
): Value {
  const values = typeof elements === "function"
    ? Float64Array.from({ length: sizeOf(shape) }, () => 2 * elements() - 1)
    : elements;
  return new Value(ndArray({ shape, dtype }, values));
}

/** A traced function with its program. */
export interface Runner<R> {
  /** The program. */
  readonly program: Program;
  /** Runs it on trees of values like those it was traced with. */
  run(...args: unknown[]): R;
}

/** Traces a function on trees of values; its results become trees of `Float64Array`. */
export function runner<R>(fn: (...args: never[]) => unknown, args: readonly unknown[]): Runner<R> {
  const flat = flatten<Value>(args);
  const avals = unflatten<unknown[]>(
    flat.structure,
    flat.leaves.map(({ array: { shape, dtype } }) => ({ shape, dtype })),
  );
  const { program, outputs } = trace(fn, avals);
  check(program);
  return {
    program,
    run: (...values) =>
      unflatten<R>(
        outputs,
        evaluate(program, flatten<Value>(values).leaves.map(({ array }) => array))
          .map(({ data }) => Float64Array.from(data)),
      ),
  };
}

/** Traces and runs a function once. */
export function run<R>(fn: (...args: never[]) => unknown, args: readonly unknown[]): R {
  return runner<R>(fn, args).run(...args);
}

/** The distinct programs that a program calls, with the number of calls of each. */
export function callees(program: Program): Map<Program, number> {
  const counts = new Map<Program, number>();
  for (const { primitive, params } of program.nodes) {
    if (primitive !== (callP as unknown)) continue;
    const { program: callee } = params as { program: Program };
    counts.set(callee, (counts.get(callee) ?? 0) + 1);
  }
  return counts;
}

/** Largest difference of two trees of arrays, relative to the largest element of the second. */
export function relativeError(found: unknown, expected: unknown): number {
  const a = flatten<Float64Array>(found);
  const b = flatten<Float64Array>(expected);
  if (a.paths.join() !== b.paths.join()) {
    throw new Error(`Cannot compare trees: found [${a.paths}], expected [${b.paths}].`);
  }
  let worst = 0;
  b.leaves.forEach((want, k) => {
    let error = 0;
    let scale = 0;
    want.forEach((element, i) => {
      error = Math.max(error, Math.abs(a.leaves[k]![i]! - element));
      scale = Math.max(scale, Math.abs(element));
    });
    const relative = error === 0 ? 0 : error / scale;
    if (!(relative <= worst)) worst = relative;
  });
  return worst;
}
