/**
 * Makes a failing program smaller while it fails in the same way.
 *
 * @module
 */
import { prune, pruneBody } from "./generate.ts";
import {
  build,
  inputsOf,
  isInput,
  type Line,
  mapReferences,
  operandsOf,
  type OwnFunction,
  type Recipe,
  Ref,
} from "./recipe.ts";
import { input } from "../../src/ops/source.ts";
import type { Aval } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";

/** Most programs that are tried. */
const MOST_TRIES = 400;

/**
 * Makes a program smaller.
 *
 * @param recipe A program that fails.
 * @param fails Whether a smaller program fails in the same way.
 * @returns The smallest failing program found.
 */
export async function minimise(
  recipe: Recipe,
  fails: (smaller: Recipe) => Promise<boolean>,
): Promise<Recipe> {
  let best = recipe;
  let tries = 0;
  const seen = new Set<string>([JSON.stringify(recipe)]);
  for (let progress = true; progress;) {
    progress = false;
    for (const candidate of candidates(best)) {
      const text = JSON.stringify(candidate);
      if (seen.has(text) || sizeOfRecipe(candidate) >= sizeOfRecipe(best)) continue;
      seen.add(text);
      if (!valid(candidate)) continue;
      if (tries++ >= MOST_TRIES) return best;
      if (!await fails(candidate)) continue;
      best = candidate;
      progress = true;
      break;
    }
  }
  return best;
}

/** A measure that every step of the minimiser lowers. */
function sizeOfRecipe({ lines, outputs, functions }: Recipe): number {
  const bodies = [{ lines, outputs }, ...functions.map(({ body }) => body)];
  return bodies.reduce((total, body) => {
    const calls = body.lines.filter((line) => !isInput(line)).length;
    const extents = inputsOf(body).flatMap(({ shape }) => [...shape]);
    return total + 1000 * calls + 100 * body.outputs.length + 10 * inputsOf(body).length +
      extents.reduce((sum, extent) => sum + extent, 0) + 0.1 * numbersIn(body.lines);
  }, 5000 * functions.length);
}

/** Sum of the magnitudes of all numbers in calls, and of the number of arguments. */
function numbersIn(lines: readonly Line[]): number {
  const of = (argument: unknown): number => {
    if (typeof argument === "number") return Math.min(100, Math.abs(argument)) / 100;
    if (argument === null || typeof argument !== "object" || argument instanceof Ref) return 0.1;
    return Object.values(argument).reduce((sum: number, item) => sum + 1 + of(item), 0);
  };
  return lines.reduce((sum, line) => sum + (isInput(line) ? 0 : of(line.args)), 0);
}

function valid(recipe: Recipe): boolean {
  try {
    avalsOf(recipe);
    return true;
  } catch {
    return false;
  }
}

/** Shapes and element types of all lines outside of functions. */
function avalsOf(recipe: Recipe): Aval[] {
  const all = { ...recipe, outputs: recipe.lines.map((_, k) => k) };
  return build(all)(...inputsOf(recipe).map((line): Tensor => input(line)))
    .map(({ shape, dtype }) => ({ shape, dtype }));
}

/** Smaller programs, the much smaller first. */
function* candidates(recipe: Recipe): Generator<Recipe> {
  const { lines, outputs, functions } = recipe;
  if (outputs.length > 1) {
    for (const output of outputs) yield prune({ ...recipe, outputs: [output] });
    for (const left of outputs) {
      yield prune({ ...recipe, outputs: outputs.filter((output) => output !== left) });
    }
  }
  const avals = avalsOf(recipe);
  // A call becomes an input, and all that only it needed goes.
  for (const [k, line] of [...lines.entries()].reverse()) {
    if (isInput(line)) continue;
    const { shape, dtype } = avals[k]!;
    yield prune({ ...recipe, lines: lines.with(k, { shape, dtype, style: "normal" }) });
  }
  // A call becomes one of its operands, or any line before it of the same shape.
  for (const [k, line] of lines.entries()) {
    const alike = avals.slice(0, k).flatMap((aval, other) =>
      aval.dtype === avals[k]!.dtype && aval.shape.join() === avals[k]!.shape.join() ? [other] : []
    );
    const operands = operandsOf(line);
    const near = [...alike.filter((other) => operands.includes(other)), ...alike].slice(0, 3);
    // Of another shape it may do where the line is used.
    const others = operands.filter((other) => avals[other]!.dtype === avals[k]!.dtype);
    for (const other of new Set([...near, ...others])) yield prune(replaceLine(recipe, k, other));
  }
  // An output becomes an operand of it, whatever its shape.
  for (const [k, output] of outputs.entries()) {
    for (const operand of operandsOf(lines[output]!)) {
      yield prune({ ...recipe, outputs: outputs.with(k, operand) });
    }
  }
  for (const [k, line] of lines.entries()) {
    if (!isInput(line) && typeof line.call === "number") yield* inlined(recipe, k);
  }
  for (const [k, own] of functions.entries()) yield* smallerFunction(recipe, k, own);
  for (const [k, line] of lines.entries()) {
    if (isInput(line)) continue;
    yield* smallerArguments(line).map((call) => ({ ...recipe, lines: lines.with(k, call) }));
  }
  yield* smallerExtents(recipe);
}

function replaceLine(recipe: Recipe, from: number, to: number): Recipe {
  const map = (line: number): number => line === from ? to : line;
  return {
    ...recipe,
    lines: recipe.lines.map((line) =>
      isInput(line) ? line : { ...line, args: line.args.map((item) => mapReferences(item, map)) }
    ),
    outputs: recipe.outputs.map(map),
  };
}

/** A call of an own function replaced by the function's body, where it is only that. */
function* inlined(recipe: Recipe, at: number): Generator<Recipe> {
  const line = recipe.lines[at]!;
  if (isInput(line) || typeof line.call !== "number") return;
  const { body, wrapper } = recipe.functions[line.call]!;
  if (!["checkpoint", "customJvp", "halfJvp", "inline"].includes(wrapper)) return;
  const grown = body.lines.length - inputsOf(body).length;
  const outside = (k: number): number => k < at ? k : k + grown - 1;
  const places: number[] = [];
  const inner: Line[] = [];
  let argument = 0;
  for (const own of body.lines) {
    if (isInput(own)) {
      const given = line.args[argument++];
      if (!(given instanceof Ref)) return;
      places.push(given.line);
      continue;
    }
    inner.push({ ...own, args: own.args.map((item) => mapReferences(item, (k) => places[k]!)) });
    places.push(at + inner.length - 1);
  }
  const result = places[body.outputs[typeof line.take === "number" ? line.take : 0]!]!;
  const map = (k: number): number => k === at ? result : outside(k);
  yield prune({
    ...recipe,
    lines: [
      ...recipe.lines.slice(0, at),
      ...inner,
      ...recipe.lines.slice(at + 1).map((other) =>
        isInput(other)
          ? other
          : { ...other, args: other.args.map((item) => mapReferences(item, map)) }
      ),
    ],
    outputs: recipe.outputs.map(map),
  });
}

/** A function that computes less of the same shape. */
function* smallerFunction(recipe: Recipe, at: number, own: OwnFunction): Generator<Recipe> {
  const { body } = own;
  const changed = (smaller: OwnFunction["body"]): Recipe =>
    prune({
      ...recipe,
      functions: recipe.functions.with(at, { ...own, body: pruneBody(smaller, true) }),
    });
  yield changed(body);
  for (const [k, output] of body.outputs.entries()) {
    for (let other = 0; other < output; other++) {
      yield changed({ ...body, outputs: body.outputs.with(k, other) });
    }
  }
  for (const [k, line] of body.lines.entries()) {
    for (const operand of operandsOf(line)) {
      const { lines, outputs } = replaceLine({ ...body, functions: [] }, k, operand);
      yield changed({ lines, outputs });
    }
  }
}

/** A call without an option, or with fewer items in a list of operands. */
function smallerArguments(line: Exclude<Line, { style: unknown }>): Line[] {
  return line.args.flatMap((argument, k): Line[] => {
    if (argument === null || typeof argument !== "object" || argument instanceof Ref) return [];
    if (Array.isArray(argument)) {
      if (argument.length < 2) return [];
      return argument.map((_, item) => ({
        ...line,
        args: line.args.with(k, argument.filter((_, other) => other !== item)),
      }));
    }
    return Object.keys(argument).map((name) => ({
      ...line,
      args: line.args.with(
        k,
        Object.fromEntries(Object.entries(argument).filter(([other]) => other !== name)),
      ),
    }));
  });
}

/** Every extent of the inputs made smaller, there and wherever the same number stands in a call. */
function* smallerExtents(recipe: Recipe): Generator<Recipe> {
  const extents = new Set(inputsOf(recipe).flatMap(({ shape }) => [...shape]));
  for (const extent of [...extents].sort((a, b) => b - a)) {
    for (const smaller of [1, 2, Math.floor(extent / 2), extent - 1]) {
      if (smaller >= extent || smaller < 1) continue;
      const swap = (value: number): number => value === extent ? smaller : value;
      const lines = recipe.lines.map((line): Line =>
        isInput(line) ? { ...line, shape: line.shape.map(swap) } : line
      );
      yield { ...recipe, lines };
      yield {
        ...recipe,
        lines: lines.map((line): Line =>
          isInput(line) || line.call !== "reshape" && line.call !== "broadcastTo"
            ? line
            : { ...line, args: [line.args[0]!, (line.args[1] as number[]).map(swap)] }
        ),
      };
      for (const [k, line] of recipe.lines.entries()) {
        if (!isInput(line)) continue;
        for (const axis of line.shape.keys()) {
          if (line.shape[axis] !== extent) continue;
          yield {
            ...recipe,
            lines: recipe.lines.with(k, { ...line, shape: line.shape.with(axis, smaller) }),
          };
        }
      }
    }
  }
}
