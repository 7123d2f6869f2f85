/**
 * What the arithmetic of an engine may make of a program: the reference evaluated with random relative
 * errors of a few units in the last place of float32 in every operation (Monte Carlo arithmetic: Parker, UCLA
 * CSD-970002, 1997). The spread of a few such runs is the accuracy that can be asked of an engine, at
 * every element; where they disagree altogether (a tie that rounding decides, a comparison of nearly
 * equal numbers) nothing can be asked.
 *
 * @module
 */
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Node, Tensor } from "../../src/ir/tensor.ts";
import type { Draw } from "./draw.ts";
import { changedByCancelling } from "./sums.ts";

/** An arithmetic with errors. */
export interface Arithmetic {
  /** Unit roundoff. Operands and results are off by up to four of them: two units in the last place. */
  readonly unit: number;
  /** Least normal number: devices may flush smaller numbers to zero. */
  readonly leastNormal: number;
  /** The nearest number. */
  readonly round: (value: number) => number;
  /** Whether convolutions may be computed by minimal filtering, whose errors are shared by all that it transforms. */
  readonly filtering?: boolean;
  /** Whether sums may be rearranged as if all numbers were finite. */
  readonly rearranging?: boolean;
}

/** The arithmetic of engines. */
export const FLOAT32: Arithmetic = {
  unit: 2 ** -24,
  leastNormal: 2 ** -126,
  round: Math.fround,
};

/** The arithmetic of the reference. */
export const FLOAT64: Arithmetic = {
  unit: 2 ** -53,
  leastNormal: 2 ** -1022,
  round: (value) => value,
};

/** The arithmetic of engines that may take any kernel. */
export const ANY_KERNEL: Arithmetic = { ...FLOAT32, filtering: true };

/** Units of the largest sum of magnitudes by which minimal filtering is off everywhere: it subtracts what it adds. */
const FILTERING = 4;

/** Units of an operand's or a result's largest relative error. */
const ERROR = 4;

/**
 * Functions that engines compute to so many digits after the point, whatever their size: TensorFlow.js
 * these two to 1.5e-7.
 */
const ABSOLUTE: ReadonlySet<string> = new Set(["sin", "cos"]);

/** Operations that choose, compare or move numbers: they make no error on any engine. */
const EXACT: ReadonlySet<string> = new Set([
  "abs",
  "argmax",
  "barrier",
  "broadcast",
  "concat",
  "equal",
  "floor",
  "gather",
  "identity",
  "stop_gradient",
  "iota",
  "is_finite",
  "is_nan",
  "less",
  "less_equal",
  "maximum",
  "minimum",
  "neg",
  "pad",
  "permute",
  "reduce_max",
  "reshape",
  "reverse",
  "select",
  "sign",
  "slice",
]);

/**
 * Comparisons. Engines may compute a value for each of its uses, and drivers may order its sums otherwise each time:
 * `x < reverse(x)` compares the middle of `x` with what it is when it is computed once more.
 */
const COMPARED: ReadonlySet<string> = new Set(["equal", "less", "less_equal"]);

/** Numbers that are written into programs: every engine rounds them once. */
const WRITTEN: ReadonlySet<string> = new Set(["fill", "literal"]);

/** Operations of which IEEE 754 says that a result that is a float32 is found from operands that are. */
const ROUNDED: ReadonlySet<string> = new Set(["add", "sub", "mul", "convert"]);

/** The errors of one run. */
interface Errors {
  /** Chance. */
  readonly draw: Draw;
  /** How large they are. */
  readonly arithmetic: Arithmetic;
  /** By how much what is compared is off, relative to its size: up or down. */
  readonly nudge: number;
}

/** Evaluates a program, one array an input, with errors. */
function evaluateRounded(
  program: Program,
  inputs: readonly NdArray[],
  errors: Errors,
): NdArray[] {
  const { nudge } = errors;
  const values = new Map<Tensor, NdArray>();
  program.inputs.forEach((tensor, k) => values.set(tensor, inputs[k]!));
  const computed = new Set<Tensor>();
  for (const node of program.nodes) {
    const { name } = node.primitive;
    if (name === "input") continue;
    const operands = node.inputs.map((tensor, k) =>
      COMPARED.has(name) && computed.has(tensor)
        ? nudged(values.get(tensor)!, k === 0 ? nudge : -nudge)
        : values.get(tensor)!
    );
    const found = node.inputs.some((of) => computed.has(of));
    if (name === "equal" && found && nudge > 0) operands[0] = equalled(operands, 2 * nudge);
    if (!EXACT.has(name) && !WRITTEN.has(name) || found) {
      node.outputs.forEach((output) => computed.add(output));
    }
    const results = evaluateNode(node, operands, errors);
    node.outputs.forEach((output, k) => values.set(output, results[k]!));
  }
  return program.outputs.map((output) => values.get(output)!);
}

function evaluateNode(
  node: Node,
  operands: readonly NdArray[],
  errors: Errors,
): readonly NdArray[] {
  const { name } = node.primitive;
  const params = node.params as { readonly program?: Program };
  if (params?.program) return evaluateRounded(params.program, operands, errors);
  const run = (given: readonly NdArray[]): readonly NdArray[] =>
    node.primitive.evaluate(node.params, given, node.outputs);
  if (WRITTEN.has(name)) return run(operands).map((array) => rounded(array, errors));
  if (EXACT.has(name) || operands.every(({ dtype }) => dtype !== "f32") && !ROUNDED.has(name)) {
    return run(operands);
  }
  if (ROUNDED.has(name)) {
    const keepExact = operands.every(({ data }) => data.every(isFloat32));
    return run(operands).map((array) => perturbed(array, errors, keepExact));
  }
  // Sums of whole numbers are exact as long as their terms are small enough.
  if (operands.every(wholeNumbers)) {
    const exact = run(operands);
    if (exact.every(wholeNumbers)) return exact;
  }
  const results = run(operands.map((array) => perturbed(array, errors, false)))
    .map((array) => perturbed(array, errors, false));
  const { arithmetic } = errors;
  return results.map((array, k) =>
    moved(array, errorOf({ node, operands, results, run, arithmetic }, k), errors)
  );
}

/** What the error of a result depends on. */
interface Application {
  readonly node: Node;
  readonly operands: readonly NdArray[];
  readonly results: readonly NdArray[];
  readonly run: (given: readonly NdArray[]) => readonly NdArray[];
  readonly arithmetic: Arithmetic;
}

/**
 * Absolute error of result `k` beyond a few units in its last place: that of adding one term after the
 * other, at most a unit in the last place of the sum of magnitudes for every term (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 4.2; equal terms come near it), and that of functions which
 * devices compute to an absolute accuracy.
 */
function errorOf(
  { node, operands, results, run, arithmetic: { unit, filtering } }: Application,
  k: number,
): (at: number) => number {
  const { name } = node.primitive;
  if (ABSOLUTE.has(name)) return () => unit;
  const terms = termsOf(node);
  if (name === "standardize") {
    // The mean is found to `terms` units of the largest element, and all the rest depends on it.
    const [largest, scale] = [operands[0]!, results[2]!].map(({ data }) => largestOf(data));
    const error = terms * unit / 4 * largest!;
    const relative = error * scale!;
    return [() => relative, () => error, () => relative * scale! * largest! * scale!][k]!;
  }
  if (terms <= 1) return () => 0;
  const magnitudes = run(
    operands.map((array) =>
      array.dtype === "f32" ? ndArray(array, array.data.map(Math.abs)) : array
    ),
  )[k]!.data;
  const everywhere = filtering && name.startsWith("conv2d")
    ? FILTERING * unit * largestOf(magnitudes)
    : 0;
  return (at) => Math.max(everywhere, terms * unit / 4 * magnitudes[at]!);
}

function largestOf(data: ArrayLike<number>): number {
  return Array.from(data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Terms that are added for one element. */
function termsOf({ primitive: { name, flops }, params, inputs, outputs }: Node): number {
  switch (name) {
    case "sum":
      return inputs[0]!.size / Math.max(1, outputs[0]!.size);
    case "standardize":
      return inputs[0]!.size / Math.max(1, outputs[1]!.size);
    case "scatter_add":
      return inputs[1]!.shape.at(-1)!;
    case "matmul":
    case "conv2d":
    case "conv2d_input_grad":
    case "conv2d_filter_grad":
      return flops!(params, inputs, outputs) / Math.max(1, 2 * outputs[0]!.size);
    default:
      return 0;
  }
}

/** Every element that is no whole number a little larger, or smaller. */
function nudged(array: NdArray, by: number): NdArray {
  return array.dtype === "f32"
    ? ndArray(
      array,
      Array.from(array.data, (value) =>
        Number.isInteger(value) ? value : value + by * Math.abs(value)),
    )
    : array;
}

function moved(
  array: NdArray,
  error: (at: number) => number,
  { draw, arithmetic: { round } }: Errors,
): NdArray {
  return ndArray(
    array,
    Array.from(
      array.data,
      (value, at) => round(value + (2 * draw.next() - 1) * error(at)),
    ),
  );
}

function rounded(array: NdArray, { arithmetic: { round } }: Errors): NdArray {
  return array.dtype === "f32" ? ndArray(array, Array.from(array.data, round)) : array;
}

function wholeNumbers({ data, dtype }: NdArray): boolean {
  if (dtype !== "f32") return true;
  for (const value of data) if (!Number.isInteger(value) || Math.abs(value) > 4096) return false;
  return true;
}

function isFloat32(value: number): boolean {
  return Object.is(Math.fround(value), value);
}

function perturbed(
  array: NdArray,
  { draw, arithmetic: { unit, leastNormal, round } }: Errors,
  keepExact: boolean,
): NdArray {
  if (array.dtype !== "f32") return array;
  return ndArray(
    array,
    Array.from(array.data, (value) => {
      if (value === 0 || keepExact && isFloat32(value)) return value;
      const near = round(value * (1 + (2 * draw.next() - 1) * ERROR * unit));
      return Math.abs(near) < leastNormal && draw.chance(0.5) ? 0 : near;
    }),
  );
}

/** The meaning of a program at a point, and what is asked of an engine there. */
export interface Expectation {
  /** Exact results. */
  readonly exact: readonly NdArray[];
  /**
   * Most distance of each element of each result from the exact one; `NaN` where rounding decides, so
   * that nothing is asked.
   */
  readonly allowed: readonly Float64Array[];
}

/**
 * The first array, with the second one's elements where rounding may make them equal: `sin(x)` is `x` near 0, of
 * which engines know so many digits after the point.
 */
function equalled([a, b]: readonly NdArray[], error: number): NdArray {
  const near = (one: number, other: number): boolean =>
    Math.abs(one - other) <= error * Math.max(Math.abs(one), Math.abs(other), 1 / 4);
  return a!.dtype === "f32"
    ? ndArray(a!, a!.data.map((value, at) => near(value, b!.data[at]!) ? b!.data[at]! : value))
    : a!;
}

/** Runs with errors at first. */
const RUNS = 3;

/** Multiple of the spread of the runs that is allowed. */
const SPREAD = 6;

/** Beyond this share of the largest magnitude of a result an element is ambiguous. */
const MOST_ALLOWED = 1 / 32;

/**
 * Finds what can be asked of an engine.
 *
 * @param program The program as it was traced.
 * @param inputs The point.
 * @param draw The errors.
 * @param runs How many runs with errors.
 * @param arithmetic How large they are.
 */
export function expectationOf(
  program: Program,
  inputs: readonly NdArray[],
  draw: Draw,
  runs = RUNS,
  arithmetic = FLOAT32,
): Expectation {
  const exact = evaluate(program, inputs);
  const runsWithErrors = Array.from(
    { length: runs },
    (_, run) => {
      const nudge = (run % 2 === 0 ? ERROR : -ERROR) * arithmetic.unit;
      return evaluateRounded(program, inputs, { draw, arithmetic, nudge });
    },
  );
  const allowed = exact.map(({ data, dtype }, k) => {
    const others = runsWithErrors.map((results) => results[k]!.data);
    return dtype === "f32" ? allowedDistances(data, others, arithmetic) : equalOrNaN(data, others);
  });
  if (arithmetic.rearranging) {
    changedByCancelling(program, inputs).forEach((changed, k) => {
      changed.forEach((at) => allowed[k]![at] = NaN);
    });
  }
  return { exact, allowed };
}

function equalOrNaN(data: NdArray["data"], others: readonly NdArray["data"][]): Float64Array {
  return Float64Array.from(
    data,
    (value, at) => others.every((other) => other[at] === value) ? 0 : NaN,
  );
}

function allowedDistances(
  data: NdArray["data"],
  others: readonly NdArray["data"][],
  { unit, leastNormal, round }: Arithmetic,
): Float64Array {
  let largest = 0;
  let squares = 0;
  let count = 0;
  const spread = Float64Array.from(data, (value, at) => {
    if (!Number.isFinite(round(value))) {
      const same = others.every((other) => Object.is(round(other[at]!), round(value)));
      return same ? 0 : NaN;
    }
    let most = 0;
    for (const other of others) {
      const distance = Math.abs(other[at]! - value);
      if (!Number.isFinite(distance)) return NaN;
      most = Math.max(most, distance);
    }
    largest = Math.max(largest, Math.abs(value));
    squares += most * most;
    count++;
    return most;
  });
  // A few runs may find one element's errors small by chance; its neighbours' say how large they are.
  const typical = Math.sqrt(squares / Math.max(1, count));
  return spread.map((most, at) => {
    const value = Math.abs(data[at]!);
    if (Number.isNaN(most) || !Number.isFinite(round(value))) return most;
    const allowed = SPREAD * most + typical + 8 * unit * value + 4 * leastNormal;
    return allowed > MOST_ALLOWED * Math.max(value, largest) + 1e-30 ? NaN : allowed;
  });
}
