/**
 * Random programs.
 *
 * @module
 */
import { type Body, isInput, type Line, mapReferences, operandsOf, type Recipe } from "./recipe.ts";
import { Builder } from "./builder.ts";
import { Draw } from "./draw.ts";
import { grow } from "./grow.ts";
import { operationsAt } from "./operations/functions.ts";
import { ref } from "./operations/operation.ts";

/** Most elements of a value of most programs, and of a few. */
const SIZES = [{ size: 256, weight: 90 }, { size: 2048, weight: 7 }, { size: 20_000, weight: 3 }];

/** Most results of a program; of most programs a few. */
const MOST_OUTPUTS = 24;

const EXTENTS = [1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 7, 8, 8, 9, 12, 16, 17];

/** A random program: a function of the seed and the number. */
export function generate(seed: number, number: number): Recipe {
  const draw = new Draw(seed, number, 1);
  const { size } = draw.weighted(SIZES);
  const extents = Array.from({ length: 3 }, () => draw.pick(EXTENTS));
  if (size > 256) extents.push(draw.pick([31, 64, 65, 100]));
  if (draw.chance(0.06)) extents.push(0);
  if (draw.chance(0.5)) extents.push(1);
  // Where what is given is small, most memory is taken by what is computed of it.
  const given = draw.chance(0.4) ? size / 8 : size;
  const b = new Builder(draw, { size, given, extents });
  for (let k = draw.integer(1, 3); k > 0; k--) {
    const rank = draw.weighted(RANKS).rank;
    const style = draw.weighted(STYLES);
    b.input(b.shape(rank, given), style.dtype, style.style);
  }
  const sure = b.input(b.shape(draw.integer(1, 3), given));
  const steps = draw.chance(0.2) ? draw.integer(15, 40) : draw.integer(4, 14);
  grow(b, operationsAt(0), steps);
  const outputs = outputsOf(b);
  const recipe = prune({ ...b.body(outputs), functions: b.functions });
  // A program of constants only is a program, but no function of anything; one of integers has no gradient.
  return recipe.lines.some((line) => isInput(line) && line.dtype === "f32")
    ? recipe
    : prune({ ...b.body([...outputs, sure]), functions: b.functions });
}

const RANKS = [1, 4, 6, 6, 5, 3].map((weight, rank) => ({ rank, weight }));

const STYLES = [
  { dtype: "f32", style: "normal", weight: 10 },
  { dtype: "f32", style: "positive", weight: 2 },
  { dtype: "f32", style: "grid", weight: 1.5 },
  { dtype: "i32", style: "normal", weight: 1 },
  { dtype: "i32", style: "wide", weight: 0.2 },
  { dtype: "u32", style: "normal", weight: 0.4 },
  { dtype: "u32", style: "wide", weight: 0.2 },
  { dtype: "bool", style: "normal", weight: 0.7 },
] as const;

/** The last value, and some that others use or nobody does; at least one is `f32`. */
function outputsOf(b: Builder): number[] {
  const used = new Set(b.body([]).lines.flatMap(operandsOf));
  const lines = Array.from({ length: b.length }, (_, k) => k);
  const outputs = lines.filter((k) => b.draw.chance(used.has(k) ? 0.3 : 0.6));
  const last = b.length - 1;
  const most = b.draw.chance(0.1) ? MOST_OUTPUTS : 8;
  const results = b.draw.shuffled([...new Set([...outputs, last])]).slice(0, most);
  if (b.draw.chance(0.05)) results.push(results[0]!);
  if (results.some((k) => b.aval(k).dtype === "f32")) return results;
  const x = b.float();
  if (x !== undefined) return [...results, x];
  return [...results, b.call("convert", [ref(last), "f32"])];
}

/** Without the lines that no output needs (inputs too), and the functions that nobody calls. */
export function prune(recipe: Recipe): Recipe {
  const needed = neededFunctions(recipe);
  const place = new Map([...needed].map((old, k) => [old, k]));
  const renumber = (line: Line): Line =>
    !isInput(line) && typeof line.call === "number"
      ? { ...line, call: place.get(line.call)! }
      : line;
  const functions = [...needed].map((k) => {
    const own = recipe.functions[k]!;
    const body = { ...own.body, lines: own.body.lines.map(renumber) };
    return { ...own, body };
  });
  const body = pruneBody(recipe);
  return { lines: body.lines.map(renumber), outputs: body.outputs, functions };
}

/** A body without the calls that its outputs do not need; `keepInputs` keeps its arguments. */
export function pruneBody({ lines, outputs }: Body, keepInputs = false): Body {
  const needed = new Set(outputs);
  for (let k = lines.length - 1; k >= 0; k--) {
    if (keepInputs && isInput(lines[k]!)) needed.add(k);
    if (needed.has(k)) operandsOf(lines[k]!).forEach((operand) => needed.add(operand));
  }
  const kept = lines.flatMap((_, k) => needed.has(k) ? [k] : []);
  const place = new Map(kept.map((old, k) => [old, k]));
  const map = (line: number): number => place.get(line)!;
  return {
    lines: kept.map((k) => {
      const line = lines[k]!;
      return isInput(line)
        ? line
        : { ...line, args: line.args.map((argument) => mapReferences(argument, map)) };
    }),
    outputs: outputs.map(map),
  };
}

function neededFunctions(recipe: Recipe): Set<number> {
  const called = (lines: readonly Line[]): number[] =>
    lines.flatMap((line) => isInput(line) || typeof line.call === "string" ? [] : [line.call]);
  const needed = new Set(called(pruneBody(recipe).lines));
  for (let k = recipe.functions.length - 1; k >= 0; k--) {
    if (needed.has(k)) {
      called(recipe.functions[k]!.body.lines).forEach((inner) => needed.add(inner));
    }
  }
  return new Set([...needed].sort((a, b) => a - b));
}
