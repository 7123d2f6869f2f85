/**
 * Laws of calculus and of maps, checked in float64 on each program: a wrong rule of a primitive or of a
 * transformation is wrong on every engine, the reference too.
 *
 * @module
 */
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import { jvp, simplify } from "../../src/transform/mod.ts";
import { SplitError, splitProgram } from "../../src/transform/split_program.ts";
import { trace } from "../../src/transform/trace.ts";
import { type Axes, exampleOf, halves, type Mode, type Subject, subjectOf } from "./modes.ts";
import { callNames } from "./recipe_text.ts";
import { Draw } from "./draw.ts";
import type { Recipe } from "./recipe.ts";
import { expectationOf, FLOAT64 } from "./rounding.ts";

/** Relative error that laws which hold exactly may show in float64. */
const EXACT = 1e-9;

/** Relative error that differences may show. */
const DIFFERENCES = 1e-4;

/** Step of the differences. */
const STEP = 1e-5;

/** Runs with errors that say whether rounding in float64 breaks a law: at a tie, say. */
const RUNS = 24;

/** Distances that rounding in float64 makes of a program's results, `NaN` where it decides them. */
type Rounding = () => readonly NdArray[];

/** What a law needs of how a program is run. */
interface Situation {
  readonly mode: Mode;
  readonly axes: Axes;
}

/**
 * Looks for a law that a program breaks.
 *
 * @param recipe The program.
 * @param situation What is computed of it.
 * @param point Inputs of that.
 * @returns What was found, in words; `undefined` if all laws hold.
 */
export function brokenLaw(
  recipe: Recipe,
  { mode, axes }: Situation,
  point: readonly NdArray[],
): string | undefined {
  const subject = subjectOf(recipe, mode, axes);
  const program = programOf(subject);
  const results = evaluate(program, point);
  const rounding = roundingOf(program, point);
  const simplified = simplify(program);
  const other = difference("simplify", evaluate(simplified, point), results, rounding) ??
    splitLaw(simplified, point, { results, rounding });
  if (other !== undefined) return other;
  const found = { results, rounding };
  switch (mode) {
    case "out": {
      const along = [...point, ...point.map(wave)];
      const mapped = subjectOf(recipe, "vmap", axes);
      return tangentLaw(recipe, plain(recipe, "jvp"), uneven(along)) ??
        gradientLaw(recipe, point) ??
        mapTangentLaw(recipe, { subject: mapped, axes, point: mapped.inputs(new Draw(1)) });
    }
    case "vmap":
      return mapLaw(found, { recipe, mode: "out", axes, point }) ??
        mapTangentLaw(recipe, { subject, axes, point });
    case "vmap of grad":
      return mapLaw(found, { recipe, mode: "grad", axes, point }) ??
        gradientLaw(recipe, exampleOf(point, axes, 0));
    case "jvp":
      return tangentLaw(recipe, program, uneven(point)) ?? gradientLaw(recipe, halves(point)[0]);
    case "value":
    case "grad":
      return gradientLaw(recipe, point);
    case "hvp":
      return hessianLaw(recipe, program, uneven(point));
    case "grad of vmap":
      return sumLaw(recipe, { axes, point }, found) ??
        gradientLaw(recipe, exampleOf(point, axes, 0));
  }
}

function programOf({ fn, avals }: Subject): Program {
  return trace(fn as (...args: never[]) => unknown, avals).program;
}

/** A program of a mode without maps. */
function plain(recipe: Recipe, mode: Mode): Program {
  return programOf(subjectOf(recipe, mode, []));
}

/** Finds what rounding makes of a program when it is first asked for. */
function roundingOf(program: Program, point: readonly NdArray[]): Rounding {
  let found: readonly NdArray[] | undefined;
  return () => {
    if (found === undefined) {
      const { exact, allowed } = expectationOf(program, point, new Draw(1), RUNS, FLOAT64);
      found = allowed.map((data, k) => ({ shape: exact[k]!.shape, dtype: "f32", data }));
    }
    return found;
  };
}

/** The first element in which arrays differ by more than rounding in float64. */
function difference(
  what: string,
  found: readonly NdArray[],
  expected: readonly NdArray[],
  rounding: Rounding,
): string | undefined {
  for (const [k, { data, dtype }] of expected.entries()) {
    const largest = magnitude(data);
    for (const [at, value] of data.entries()) {
      const other = found[k]!.data[at]!;
      if (!Number.isFinite(value) || !Number.isFinite(other)) continue;
      const allowed = dtype === "f32" ? EXACT * Math.max(1e-3, largest) : 0;
      const distance = Math.abs(other - value);
      if (distance > allowed && distance > rounding()[k]!.data[at]!) {
        return `${what}: output ${k}, element ${at} is ${other}, expected ${value}`;
      }
    }
  }
  return undefined;
}

function magnitude(data: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < data.length; k++) {
    if (Number.isFinite(data[k]!)) largest = Math.max(largest, Math.abs(data[k]!));
  }
  return largest;
}

/** Results of a program, and what rounding makes of them. */
interface Found {
  readonly results: readonly NdArray[];
  readonly rounding: Rounding;
}

/** A program in parts is the same program: split until nothing is half as large as the largest value was. */
function splitLaw(
  program: Program,
  point: readonly NdArray[],
  { results, rounding }: Found,
): string | undefined {
  const sizes = program.nodes.flatMap(({ primitive, outputs }) =>
    primitive.lower.kind === "source" ? [] : outputs.map(({ size }) => size)
  );
  const limit = 2 * sizes.reduce((a, b) => Math.max(a, b), 0);
  for (const recompute of [false, true]) {
    try {
      const split = splitProgram(program, { limit, recompute });
      const wrong = split === program ? undefined : evaluate(split, point);
      const broken = wrong &&
        difference(`split${recompute ? " again" : ""}`, wrong, results, rounding);
      if (broken !== undefined) return broken;
    } catch (error) {
      if (!(error instanceof SplitError)) throw error;
    }
  }
  return undefined;
}

/** A map is a loop over examples. */
function mapLaw(
  { results, rounding }: Found,
  { recipe, mode, axes, point }: {
    readonly recipe: Recipe;
    readonly mode: Mode;
    readonly axes: Axes;
    readonly point: readonly NdArray[];
  },
): string | undefined {
  const single = plain(recipe, mode);
  const batch = batchOf(point, axes);
  for (let at = 0; at < batch; at++) {
    const expected = evaluate(single, exampleOf(point, axes, at));
    const exampleAt = (of: readonly NdArray[]): NdArray[] => exampleOf(of, of.map(() => 0), at);
    const wrong = difference(
      `vmap, example ${at}`,
      exampleAt(results),
      expected,
      () => exampleAt(rounding()),
    );
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** The derivative of a map is a loop over those of examples, with own rules too. */
function mapTangentLaw(
  recipe: Recipe,
  { subject, axes, point }: {
    readonly subject: Subject;
    readonly axes: Axes;
    readonly point: readonly NdArray[];
  },
): string | undefined {
  const program = tangentsOf(subject);
  const both = [...point, ...point.map(wave)];
  const found = { results: evaluate(program, both), rounding: roundingOf(program, both) };
  return mapLaw(found, { recipe, mode: "jvp", axes: [...axes, ...axes], point: both });
}

function batchOf(point: readonly NdArray[], axes: Axes): number {
  const mapped = axes.findIndex((axis) => axis !== null);
  return point[mapped]!.shape[axes[mapped]!]!;
}

/** Whether a program is what its derivative rules say. */
function hasTrueDerivatives(recipe: Recipe): boolean {
  const names = callNames(recipe);
  return !names.has("stopGradient") && !names.has("halfJvp");
}

/** The tangent is the limit of differences. */
function tangentLaw(
  recipe: Recipe,
  program: Program,
  point: readonly NdArray[],
): string | undefined {
  if (!hasTrueDerivatives(recipe)) return undefined;
  const [primals, direction] = halves(point);
  const [, tangents] = halves(evaluate(program, point));
  return differencesLaw("jvp", tangents, { program: plain(recipe, "out"), primals, direction });
}

/** The Hessian times a direction is the limit of differences of the gradient. */
function hessianLaw(
  recipe: Recipe,
  program: Program,
  point: readonly NdArray[],
): string | undefined {
  if (!hasTrueDerivatives(recipe)) return undefined;
  const [primals, direction] = halves(point);
  const results = evaluate(program, point);
  const gradient = plain(recipe, "grad");
  const parts = { ...gradient, outputs: gradient.outputs.slice(1, 1 + primals.length) };
  return differencesLaw("hvp", results, { program: parts, primals, direction });
}

/**
 * Compares tangents with differences where a program is smooth.
 *
 * @param what Named in the message.
 * @param tangents Tangents of the program's results along the direction.
 * @param point The program, where and along what it is differentiated.
 */
export function differencesLaw(
  what: string,
  tangents: readonly NdArray[],
  { program, primals, direction }: {
    readonly program: Program;
    readonly primals: readonly NdArray[];
    readonly direction: readonly NdArray[];
  },
): string | undefined {
  const at = (step: number): NdArray[] => evaluate(program, moved(primals, direction, step));
  const [up, middle, down, up2, down2] = [1, 0, -1, 2, -2].map((k) => at(k * STEP));
  for (const [k, { data, dtype }] of tangents.entries()) {
    if (dtype !== "f32") continue;
    const values = magnitude(middle![k]!.data);
    const slope = (of: NdArray[], to: NdArray[], steps: number, j: number): number =>
      (to[k]!.data[j]! - of[k]!.data[j]!) / (steps * STEP);
    const slopes = Array.from(data, (_, j) => slope(down!, up!, 2, j));
    // What is not smooth is told by the differences alone: a tangent may be wrong.
    const even = Math.max(magnitude(slopes), values, 1e-3);
    const allowed = DIFFERENCES * Math.max(magnitude(data), values, 1e-3);
    for (const [j, tangent] of data.entries()) {
      // At a kink the differences to both sides disagree, and where a step goes over many waves those of two
      // steps: there is no derivative to compare with.
      const bent = Math.abs(slope(middle!, up!, 1, j) - slope(down!, middle!, 1, j));
      const uneven = Math.abs(slopes[j]! - slope(down2!, up2!, 4, j));
      const smooth = bent < (0.1 * DIFFERENCES + 1e-2) * even && uneven < 0.1 * DIFFERENCES * even;
      if (smooth && Math.abs(tangent - slopes[j]!) > allowed) {
        return `${what}: output ${k}, element ${j} is ${tangent}, differences give ${slopes[j]}`;
      }
    }
  }
  return undefined;
}

/** A point moved along a direction. */
function moved(
  point: readonly NdArray[],
  direction: readonly NdArray[],
  step: number,
): NdArray[] {
  return point.map((array, k) =>
    array.dtype === "f32"
      ? ndArray(array, Array.from(array.data, (x, j) => x + step * direction[k]!.data[j]!))
      : array
  );
}

/**
 * The point of a derivative moved to where no element is a round number: there, conventions (the
 * derivative of the absolute value at 0, say) would stand in place of limits.
 */
function uneven(point: readonly NdArray[]): NdArray[] {
  const [primals, direction] = halves(point);
  return [...moved(primals, primals.map(wave), 0.01), ...direction];
}

/** Fixed numbers of `[-1, 1]`, zeros where there is no derivative. */
function wave({ shape, dtype, data }: NdArray, k: number): NdArray {
  return ndArray(
    { shape, dtype },
    Array.from(data, (_, j) => dtype === "f32" ? Math.cos(3 * j + k + 1) : 0),
  );
}

/** `<gradient, v>` is the tangent of the loss along `v`; this also holds with own rules. */
function gradientLaw(recipe: Recipe, point: readonly NdArray[]): string | undefined {
  const direction = point.map(wave);
  const value = subjectOf(recipe, "value", []);
  const tangent = evaluate(tangentsOf(value), [...point, ...direction])[1]!.data[0]!;
  const program = plain(recipe, "grad");
  const rounding = roundingOf(program, point);
  const gradient = evaluate(program, point).slice(1, 1 + point.length);
  let product = 0;
  let size = Math.abs(tangent);
  gradient.forEach(({ data, dtype }, k) => {
    if (dtype !== "f32") return;
    data.forEach((entry, j) => {
      product += entry * direction[k]!.data[j]!;
      size += Math.abs(entry);
    });
  });
  const wrong = Number.isFinite(size) && Math.abs(product - tangent) > EXACT * Math.max(1, size);
  const decided = (): boolean => rounding().every(({ data }) => !data.includes(NaN));
  return wrong && decided() ? `grad: <gradient, v> is ${product}, jvp gives ${tangent}` : undefined;
}

/** The gradient of a sum over examples, against the gradients of the examples. */
function sumLaw(
  recipe: Recipe,
  { axes, point }: { readonly axes: Axes; readonly point: readonly NdArray[] },
  { results, rounding }: Found,
): string | undefined {
  const gradient = plain(recipe, "grad");
  const batch = batchOf(point, axes);
  const examples = Array.from(
    { length: batch },
    (_, at) => evaluate(gradient, exampleOf(point, axes, at)),
  );
  const total = (k: number, j: number): number =>
    examples.reduce((sum, example) => sum + example[k]!.data[j]!, 0);
  const first = { ...results[0]!, data: Float64Array.of(total(0, 0)) };
  const wrong = difference("grad of vmap, value", results.slice(0, 1), [first], rounding);
  if (wrong !== undefined) return wrong;
  for (const [k, axis] of axes.entries()) {
    const found = results[k + 1]!;
    const part = (of: NdArray, at: number): NdArray =>
      axis === null ? of : exampleOf([of], [axis], at)[0]!;
    for (let at = 0; at < batch; at++) {
      const expected = examples[at]![k + 1]!;
      const whole = axis === null
        ? { ...expected, data: expected.data.map((_, j) => total(k + 1, j)) }
        : expected;
      const broken = difference(
        `grad of vmap, input ${k}, example ${at}`,
        [part(found, at)],
        [whole],
        () => [part(rounding()[k + 1]!, at)],
      );
      if (broken !== undefined) return broken;
    }
  }
  return undefined;
}

/** Results, then their tangents, at a point and along a direction. */
function tangentsOf({ fn, avals }: Subject): Program {
  return trace(
    (...args: never[]) => {
      const [primals, tangents] = halves(args as Parameters<typeof fn>);
      const { value, tangent } = jvp(fn, primals, tangents);
      return [...value, ...tangent];
    },
    [...avals, ...avals],
  ).program;
}
