/**
 * All rules of an operation against each other, and against the device.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import type { Engine } from "../engine/engine.ts";
import { type Aval, formatAval, sizeOf } from "../ir/aval.ts";
import { check } from "../ir/check.ts";
import { describe } from "../ir/describe.ts";
import { evaluate } from "../ir/evaluate.ts";
import { type HostArray, hostData } from "../ir/host_array.ts";
import { type NdArray, ndArray } from "../ir/nd_array.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { mul } from "../ops/mul.ts";
import { literal } from "../ops/source.ts";
import { sum } from "../ops/sum.ts";
import { sin } from "../ops/trig.ts";
import { jvp } from "../transform/jvp.ts";
import { trace } from "../transform/trace.ts";
import { grad, vjp } from "../transform/vjp.ts";
import { vmap } from "../transform/vmap.ts";

/** Options of {@linkcode checkRules}. */
export interface CheckRulesOptions {
  /** The engine that is compared with the float64 meaning; without one only the rules are. */
  readonly engine?: Engine;
  /** Operands in which the operation is differentiated; all that are `f32` unless told. */
  readonly varying?: readonly number[];
  /** Largest error of the engine relative to the largest magnitude; 1e-5 unless told. */
  readonly tolerance?: number;
}

/** How well one law holds. */
export interface RuleCheck {
  /** The law, in words. */
  readonly law: string;
  /** Largest error relative to the largest magnitude. */
  readonly error: number;
  /** Most that is allowed. */
  readonly tolerance: number;
}

type Fn = (...tensors: Tensor[]) => readonly Tensor[];

/** An operation with the point at which its laws are checked. */
interface Subject {
  readonly name: string;
  readonly fn: Fn;
  readonly point: readonly NdArray[];
  readonly varying: readonly number[];
}

/** Step of the differences, of fourth order: their error is about 1e-12 for functions of size 1. */
const STEP = 1e-4;
const FORWARD = 1e-7;
const ADJOINT = 1e-11;
const VECTORIZED = 1e-12;
const DEVICE = 1e-5;

/** Examples of a batch. */
const BATCH = 3;

/**
 * Checks an operation at a point: that its result has the shape that it claims; that its tangents are the limit of
 * differences; that its cotangents are their adjoint, `<w, J v> = <J' w, v>`; both again for its gradient, which is
 * the second order; that `vmap` is a loop over examples, whichever operands it maps; all that in float64. Then that
 * the engine computes the same: the result, its gradient, and both vectorized, each at two points one after the
 * other.
 *
 * @param fn A function of tensors that returns a tensor; smooth at the point.
 * @param inputs The point, one array for each tensor. Small and odd extents find more faults.
 * @param options The engine, in which operands it is differentiable, tolerance of the engine.
 * @returns How well each law holds.
 * @throws {Error} If any does not hold, is not finite, or cannot be computed; names all of these.
 *
 * @example
 * ```ts
 * import { checkRules, customJvp, hostArray, mul } from "@mutasesumele/toolkit";
 * import { assertRejects } from "@std/assert";
 *
 * const wrong = customJvp((x) => mul(x, x), ([x], [dx]) => mul(mul(x!, 3), dx!));
 * await assertRejects(
 *   () => checkRules(wrong, [hostArray([1, 2])]),
 *   Error,
 *   "the tangent is the limit of differences: off by 0.5",
 * );
 * ```
 */
export async function checkRules(
  fn: (...tensors: Tensor[]) => Tensor,
  inputs: readonly HostArray[],
  options: CheckRulesOptions = {},
): Promise<RuleCheck[]> {
  requireOptions("checkRules", options, {
    engine: is.optional(is.engine),
    varying: true,
    tolerance: true,
  });
  if (typeof fn !== "function" || !Array.isArray(inputs)) {
    throw new TypeError(
      `Cannot check rules: found ${describe(fn)} and ${
        describe(inputs)
      }, expected a function of tensors and an array of host arrays.`,
    );
  }
  const { engine, tolerance = DEVICE } = options;
  const floats = inputs.flatMap(({ dtype }, k) => dtype === "f32" ? [k] : []);
  const whole: Subject = {
    name: "",
    fn: (...tensors) => [fn(...tensors)],
    point: inputs.map((input) => ndArray(input, input.data)),
    varying: options.varying ?? floats,
  };
  const laws: [law: string, tolerance: number, error: () => number | Promise<number>][] = [];
  const [result] = run(whole.fn, whole.point);
  const differentiable = result!.dtype === "f32" && whole.varying.length > 0;
  const subjects = differentiable ? [whole, gradientOf(whole)] : [whole];
  for (const subject of subjects) {
    const { name, varying } = subject;
    if (differentiable) {
      laws.push([
        `the tangent${name} is the limit of differences`,
        FORWARD,
        () => tangent(subject),
      ]);
      laws.push([
        `the cotangent${name} is the adjoint of the tangent`,
        ADJOINT,
        () => adjoint(subject),
      ]);
    }
    for (const mapped of masks(inputs.length, subject === whole ? undefined : varying)) {
      const over = mapped.flatMap((is, k) => is ? [k] : []).join(", ");
      laws.push([
        `vmap${name} over operand ${over} is a loop`,
        VECTORIZED,
        () => vectorized(subject, mapped),
      ]);
    }
    if (!engine) continue;
    laws.push([
      `the engine's result${name} is that of evaluate`,
      tolerance,
      () => onEngine(engine, subject.fn, subject.point),
    ]);
    if (inputs.length === 0) continue;
    const all = inputs.map(() => true);
    laws.push([
      `the engine's result${name} under vmap is that of evaluate`,
      tolerance,
      () => onEngine(engine, mappedOver(subject.fn, all), batches(subject.point, all)),
    ]);
  }
  const checks: RuleCheck[] = [];
  const failures: string[] = [];
  for (const [law, tolerance, error] of laws) {
    try {
      const found = await error();
      checks.push({ law, error: found, tolerance });
      if (!(found <= tolerance)) {
        failures.push(`${law}: off by ${Number(found.toPrecision(3))}, allowed ${tolerance}`);
      }
    } catch (error) {
      failures.push(`${law}: ${(error as Error).message}`);
    }
  }
  if (failures.length === 0) return checks;
  throw new Error(
    `The rules of ${fn.name || "the operation"} at (${
      inputs.map(formatAval).join(", ")
    }) do not hold:\n${failures.map((line) => `- ${line}`).join("\n")}`,
  );
}

/** Traces, checks and evaluates a function in float64. */
function run(fn: Fn, args: readonly NdArray[]): NdArray[] {
  const { program } = trace(fn, args.map(({ shape, dtype }) => ({ shape, dtype })));
  check(program);
  return evaluate(program, args).map((result, k) => {
    const claimed = program.outputs[k]!;
    const found = { shape: result.shape, dtype: result.dtype };
    if (formatAval(found) !== formatAval(claimed) || result.data.length !== sizeOf(claimed.shape)) {
      throw new Error(
        `evaluate gave ${
          formatAval(found)
        } of ${result.data.length} numbers, the shape rule says ` +
          `${formatAval(claimed)}`,
      );
    }
    return result;
  });
}

/** The gradient of a random nonlinear projection of the results: its laws are those of the next order. */
function gradientOf({ fn, point, varying }: Subject): Subject {
  const loss = (some: Tensor[], all: Tensor[]): Tensor =>
    restricted({ fn, varying }, all)(...some)
      .map((y, k) => mul(sin(y), literal(noise(y, 7 + k).data, y.shape)))
      .map((y) => sum(y, y.shape.map((_, axis) => axis)))
      .reduce(add);
  return {
    name: " of the gradient",
    point,
    varying,
    fn: (...all) => grad(loss)(varying.map((k) => all[k]!), all),
  };
}

/** A function of the varying operands. */
function restricted({ fn, varying }: Pick<Subject, "fn" | "varying">, all: readonly Tensor[]): Fn {
  return (...some) => fn(...all.map((tensor, k) => some[varying.indexOf(k)] ?? tensor));
}

/** Error of the tangent along a random direction. */
function tangent(subject: Subject): number {
  const { point, varying, fn } = subject;
  const direction = varying.map((k) => noise(point[k]!, 100 + k));
  const tangents = run(pushed(subject), [...point, ...direction]);
  const [up, down, up2, down2] = [STEP, -STEP, 2 * STEP, -2 * STEP].map((step) =>
    run(
      fn,
      point.map((array, k) => {
        const along = direction[varying.indexOf(k)];
        if (!along) return array;
        return ndArray(array, Array.from(array.data, (x, at) => x + step * along.data[at]!));
      }),
    )
  );
  return largestError(
    tangents,
    tangents.map((array, k) =>
      ndArray(
        array,
        Array.from(array.data, (_, at) =>
          (8 * (up![k]!.data[at]! - down![k]!.data[at]!) -
            (up2![k]!.data[at]! - down2![k]!.data[at]!)) / (12 * STEP)),
      )
    ),
  );
}

/** From operands and tangents of the varying ones to the tangents of the results. */
function pushed(subject: Subject): Fn {
  const { point, varying } = subject;
  return (...args) => {
    const all = args.slice(0, point.length);
    return jvp(restricted(subject, all), varying.map((k) => all[k]!), args.slice(point.length))
      .tangent;
  };
}

/** Distance of `<w, J v>` and `<J' w, v>`. */
function adjoint(subject: Subject): number {
  const { point, varying, fn } = subject;
  const direction = varying.map((k) => noise(point[k]!, 200 + k));
  const weights = run(fn, point).map((value, k) => noise(value, 300 + k));
  const tangents = run(pushed(subject), [...point, ...direction]);
  const cotangents = run((...args) => {
    const all = args.slice(0, point.length);
    const { pullback } = vjp(restricted(subject, all), varying.map((k) => all[k]!));
    return pullback(args.slice(point.length));
  }, [...point, ...weights]);
  const [left, right] = [dot(weights, tangents), dot(cotangents, direction)];
  const scale = Math.max(1, dot(tangents, tangents), dot(cotangents, cotangents));
  return Math.abs(left - right) / scale;
}

/** Distance of the vectorized function and a loop. */
function vectorized({ fn, point }: Subject, mapped: readonly boolean[]): number {
  const loop = Array.from(
    { length: BATCH },
    (_, at) => run(fn, point.map((array, k) => mapped[k] ? rolled(array, at) : array)),
  );
  const batched = run(mappedOver(fn, mapped), batches(point, mapped));
  return largestError(batched, batched.map((_, k) => stack(loop.map((results) => results[k]!))));
}

function mappedOver(fn: Fn, mapped: readonly boolean[]): Fn {
  return (...args) => vmap(fn, mapped.map((is) => is ? 0 : null))(...args);
}

function batches(point: readonly NdArray[], mapped: readonly boolean[]): NdArray[] {
  return point.map((array, k) =>
    mapped[k] ? stack(Array.from({ length: BATCH }, (_, at) => rolled(array, at))) : array
  );
}

/** Each operand alone, and all together. */
function masks(count: number, varying?: readonly number[]): boolean[][] {
  const single = Array.from(
    { length: count },
    (_, one) => Array.from({ length: count }, (_, k) => k === one),
  ).filter((_, k) => varying?.includes(k) ?? true);
  return count > 1 ? [...single, single[0]!.map(() => true)] : single;
}

/** Error of the engine at another point, then at this one: the second run must not see the first. */
async function onEngine(engine: Engine, fn: Fn, point: readonly NdArray[]): Promise<number> {
  const compiled = engine.jit((...tensors: Tensor[]) => [...fn(...tensors)]);
  let worst = 0;
  for (const arrays of [point.map((array) => rolled(array, 1)), point]) {
    const values = await compiled(...arrays.map(({ shape, dtype, data }) => ({
      shape,
      dtype,
      data: hostData(Array.from(data), dtype),
    })));
    const results = await engine.read(values) as HostArray[];
    engine.release(values);
    const found = results.map((array) => ndArray(array, array.data));
    worst = Math.max(worst, largestError(found, run(fn, arrays)));
  }
  return worst;
}

/** The numbers of an array moved on by some places: others of the same kind. */
function rolled(array: NdArray, places: number): NdArray {
  const { data } = array;
  return ndArray(array, Array.from(data, (_, at) => data[(at + places) % data.length]!));
}

function stack(arrays: readonly NdArray[]): NdArray {
  const { shape, dtype } = arrays[0]!;
  const numbers = arrays.flatMap(({ data }) => Array.from(data));
  return ndArray({ shape: [arrays.length, ...shape], dtype }, numbers);
}

/** Repeatable `f32` numbers of `[-1, 1)` in the shape of `aval`. */
function noise({ shape }: Aval, seed: number): NdArray {
  let state = seed >>> 0;
  return ndArray(
    { shape, dtype: "f32" },
    Array.from({ length: sizeOf(shape) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 8) / 2 ** 23 - 1;
    }),
  );
}

function dot(a: readonly NdArray[], b: readonly NdArray[]): number {
  let total = 0;
  a.forEach((array, k) => array.data.forEach((value, at) => total += value * b[k]!.data[at]!));
  return total;
}

/** Largest distance relative to the largest magnitude (at least 1); infinite where one is not finite. */
function largestError(found: readonly NdArray[], expected: readonly NdArray[]): number {
  let worst = 0;
  expected.forEach(({ data, dtype }, k) => {
    let magnitude = 1;
    for (const value of data) magnitude = Math.max(magnitude, Math.abs(value));
    data.forEach((value, at) => {
      const distance = Math.abs(found[k]!.data[at]! - value);
      const error = dtype === "f32" ? distance / magnitude : distance;
      worst = Math.max(worst, Number.isFinite(error) ? error : Infinity);
    });
  });
  return worst;
}
