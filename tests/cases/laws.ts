/** The laws of calculus and vectorization, checked in float64. @module */
import { assert } from "@std/assert";
import { type Aval, formatAval, sizeOf } from "../../src/ir/aval.ts";
import { check } from "../../src/ir/check.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray, zerosNd } from "../../src/ir/nd_array.ts";
import { add, literal, mul, sin, sum } from "../../src/ops/mod.ts";
import { grad, jvp, trace, vjp, vmap } from "../../src/transform/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { PrimitiveCase } from "./case.ts";
import { uniform } from "./random.ts";

/** A function from operands to results. */
export type Fn = (...tensors: Tensor[]) => readonly Tensor[];

/** A function with the point at which a law is checked. */
export interface Subject {
  /** Named in failures. */
  readonly name: string;
  /** The function. */
  readonly fn: Fn;
  /** Its operands. */
  readonly point: readonly NdArray[];
  /** Operands in which it is differentiable. */
  readonly varying: readonly number[];
}

/** The case as a subject of the laws. */
export function subjectOf(entry: PrimitiveCase, seed = 1): Subject {
  const numbers = entry.inputs(seed);
  return {
    name: entry.name,
    fn: (...tensors) => [entry.build(...tensors)],
    point: entry.avals.map((aval, k) => ndArray(aval, numbers[k]!)),
    varying: entry.differentiable,
  };
}

/** Traces, checks and evaluates a function in float64. */
export function run(fn: Fn, args: readonly NdArray[]): NdArray[] {
  const { program } = trace(fn, args.map(({ shape, dtype }) => ({ shape, dtype })));
  check(program);
  const results = evaluate(program, args);
  results.forEach((result, k) => {
    const claimed = program.outputs[k]!;
    assert(
      formatAval(result) === formatAval(claimed) && result.data.length === sizeOf(claimed.shape),
      `evaluation gave ${formatAval(result)}, the shape rule says ${formatAval(claimed)}`,
    );
  });
  return results;
}

/** Random numbers of `[-1, 1)`. */
export function randomLike(aval: Aval, seed: number): NdArray {
  const next = uniform(seed);
  const shape = { shape: aval.shape, dtype: "f32" as const };
  return ndArray(shape, Array.from({ length: sizeOf(aval.shape) }, () => 2 * next() - 1));
}

function largest(data: ArrayLike<number>): number {
  return Array.from(data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Asserts that two arrays agree up to `tolerance` times the largest magnitude (at least 1). */
export function assertClose(
  actual: NdArray,
  expected: NdArray,
  { tolerance, what }: { readonly tolerance: number; readonly what: string },
): void {
  assert(
    formatAval(actual) === formatAval(expected),
    `${what}: found ${formatAval(actual)}, expected ${formatAval(expected)}`,
  );
  const bound = tolerance * Math.max(1, largest(expected.data));
  actual.data.forEach((value, k) => {
    assert(
      Math.abs(value - expected.data[k]!) <= bound,
      `${what}: element ${k} is ${value}, expected ${expected.data[k]} within ${bound}`,
    );
  });
}

function dot(a: readonly NdArray[], b: readonly NdArray[]): number {
  let total = 0;
  a.forEach((array, k) => array.data.forEach((value, at) => total += value * b[k]!.data[at]!));
  return total;
}

/** The `f32` results of a function of its varying operands. */
function restricted({ fn, varying }: Subject, all: readonly Tensor[]): Fn {
  return (...some) => {
    const operands = all.map((tensor, k) => some[varying.indexOf(k)] ?? tensor);
    return fn(...operands).filter(({ dtype }) => dtype === "f32");
  };
}

/**
 * The gradient, with respect to the varying operands, of a random nonlinear projection of a
 * function's results, as a subject again: laws on it are laws of the next order.
 */
export function gradientOf(subject: Subject, seed = 7): Subject {
  const { varying } = subject;
  const loss = (some: Tensor[], all: Tensor[]): Tensor =>
    restricted(subject, all)(...some)
      .map((y, k) => {
        const weights = literal(randomLike(y, seed + k).data, y.shape);
        return sum(mul(sin(y), weights), y.shape.map((_, axis) => axis));
      })
      .reduce(add);
  return {
    ...subject,
    name: `gradient of ${subject.name}`,
    fn: (...all) => grad(loss)(varying.map((k) => all[k]!), all),
  };
}

/** Tangent along `direction` against fourth-order central differences. */
export function assertForward(subject: Subject, tolerance = 1e-8): void {
  const { name, point, varying } = subject;
  const direction = varying.map((k) => randomLike(point[k]!, 100 + k));
  const count = point.length;
  const tangents = run((...args) => {
    const all = args.slice(0, count);
    const some = varying.map((k) => all[k]!);
    return jvp(restricted(subject, all), some, args.slice(count)).tangent;
  }, [...point, ...direction]);
  const shifted = (step: number): NdArray[] =>
    run(
      (...all) => restricted(subject, all)(...varying.map((k) => all[k]!)),
      point.map(
        (array, k) => {
          const along = direction[varying.indexOf(k)];
          if (!along) return array;
          return ndArray(array, Array.from(array.data, (x, at) => x + step * along.data[at]!));
        },
      ),
    );
  const h = 1e-4;
  const [up, down, up2, down2] = [h, -h, 2 * h, -2 * h].map(shifted);
  tangents.forEach((tangent, k) => {
    const differences = ndArray(
      tangent,
      Array.from(tangent.data, (_, at) =>
        (8 * (up![k]!.data[at]! - down![k]!.data[at]!) -
          (up2![k]!.data[at]! - down2![k]!.data[at]!)) / (12 * h)),
    );
    assertClose(tangent, differences, { tolerance, what: `tangent of ${name}` });
  });
}

/** `<w, J v> = <transposed J w, v>`. */
export function assertAdjoint(subject: Subject, tolerance = 1e-12): void {
  const { name, point, varying } = subject;
  const direction = varying.map((k) => randomLike(point[k]!, 200 + k));
  const values = run((...all) => restricted(subject, all)(...varying.map((k) => all[k]!)), point);
  const weights = values.map((value, k) => randomLike(value, 300 + k));
  const count = point.length;
  const tangents = run((...args) => {
    const all = args.slice(0, count);
    return jvp(restricted(subject, all), varying.map((k) => all[k]!), args.slice(count)).tangent;
  }, [...point, ...direction]);
  const cotangents = run((...args) => {
    const all = args.slice(0, count);
    return vjp(restricted(subject, all), varying.map((k) => all[k]!)).pullback(args.slice(count));
  }, [...point, ...weights]);
  const [left, right] = [dot(weights, tangents), dot(cotangents, direction)];
  const bound = tolerance *
    Math.max(1, ...tangents.map((array) => largest(array.data) * array.data.length));
  assert(
    Math.abs(left - right) <= bound,
    `${name}: <w, Jv> = ${left}, <J'w, v> = ${right}, expected equality within ${bound}`,
  );
}

/** All non-empty sets of `0..count-1`, as flags. */
export function subsets(count: number): boolean[][] {
  return Array.from(
    { length: 2 ** count - 1 },
    (_, set) => Array.from({ length: count }, (_, k) => ((set + 1) >> k & 1) === 1),
  );
}

/** Stacks arrays of one shape along a new first axis. */
export function stack(arrays: readonly NdArray[]): NdArray {
  const { shape, dtype } = arrays[0]!;
  const result = zerosNd([arrays.length, ...shape], dtype);
  arrays.forEach(({ data }, k) => result.data.set(data, k * data.length));
  return result;
}

/** `vmap` over a subset of the operands against a loop over examples. */
export function assertVectorized(
  { name, fn }: Pick<Subject, "name" | "fn">,
  examples: readonly (readonly NdArray[])[],
  mapped: readonly boolean[],
): void {
  const inExample = (k: number, at: number): NdArray => examples[mapped[k] ? at : 0]![k]!;
  const loop = examples.map((_, at) => run(fn, mapped.map((_, k) => inExample(k, at))));
  const batched = run(
    (...args) => vmap(fn, mapped.map((is) => is ? 0 : null))(...args),
    mapped.map((is, k) => is ? stack(examples.map((example) => example[k]!)) : examples[0]![k]!),
  );
  batched.forEach((result, k) => {
    assertClose(result, stack(loop.map((results) => results[k]!)), {
      tolerance: 1e-13,
      what: `vmap of ${name} with operands ${mapped.map((is) => is ? "batched" : "shared")}`,
    });
  });
}
