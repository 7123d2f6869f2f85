/**
 * A program under construction. Every value is computed at once on two sets of sample inputs, so that
 * the next call is chosen where it has a meaning.
 *
 * @module
 */
import { type Aval, type DType, formatAval, type Shape, sizeOf } from "../../src/ir/aval.ts";
import type { NdArray } from "../../src/ir/nd_array.ts";
import { nodesBetween } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { input as inputTensor } from "../../src/ops/source.ts";
import type { Draw } from "./draw.ts";
import { drawInput } from "./inputs.ts";
import {
  type Argument,
  type Body,
  buildFunction,
  type CallLine,
  callLine,
  type InputLine,
  isInput,
  type Line,
  operandsOf,
  type OwnFunction,
  type Recipe,
  Ref,
  type Style,
} from "./recipe.ts";

/** Sets of sample inputs. */
const SAMPLES = 2;

/** What bounds a program. */
export interface Limits {
  /** Most elements of a value. */
  readonly size: number;
  /** Most elements of what it is given. */
  readonly given: number;
  /** Extents that its shapes are made of. */
  readonly extents: readonly number[];
}

/** Thrown where a call of the public API is refused though its arguments are right. */
export class RefusedCall extends Error {
  /** The program, or function of it, up to and with the refused call. */
  readonly recipe: Recipe;
  constructor(recipe: Recipe, cause: unknown) {
    super((cause as Error).message, { cause });
    this.recipe = recipe;
  }
}

/** A line with what is known of its value. */
interface Entry extends Aval {
  readonly line: Line;
  readonly tensor: Tensor;
  /** Whether it is an input or made of one. */
  readonly depends: boolean;
}

/** A program under construction. */
export class Builder {
  /** Random choices. */
  readonly draw: Draw;
  /** What bounds the program. */
  readonly limits: Limits;
  /** Depth of functions: 0 outside of all. */
  readonly depth: number;
  readonly functions: OwnFunction[];
  readonly #built: ReturnType<typeof buildFunction>[];
  readonly #entries: Entry[] = [];
  readonly #samples: Map<Tensor, NdArray>[];

  constructor(draw: Draw, limits: Limits, outer?: Builder) {
    this.draw = draw;
    this.limits = limits;
    this.depth = outer ? outer.depth + 1 : 0;
    this.functions = outer?.functions ?? [];
    this.#built = outer ? outer.#built : [];
    this.#samples = Array.from({ length: SAMPLES }, () => new Map());
  }

  /** Number of lines. */
  get length(): number {
    return this.#entries.length;
  }

  /** Shape and element type of a line. */
  aval(line: number): Aval {
    return this.#entries[line]!;
  }

  /** Whether a line is an input or made of one: all others are constants. */
  depends(line: number): boolean {
    return this.#entries[line]!.depends;
  }

  /** The program so far, with the given results. */
  body(outputs: readonly number[]): Body {
    return { lines: this.#entries.map(({ line }) => line), outputs };
  }

  /** Adds an input. */
  input(shape: Shape, dtype: DType = "f32", style: Style = "normal"): number {
    const line: InputLine = { shape, dtype, style };
    return this.#push(line, inputTensor(line), () => drawInput(line, this.draw));
  }

  /** Adds an argument whose samples are those of a value of another builder. */
  argument(outer: Builder, line: number): number {
    const entry = outer.#entries[line]!;
    const aval: InputLine = { shape: entry.shape, dtype: entry.dtype, style: "normal" };
    return this.#push(
      aval,
      inputTensor(aval),
      (k) => outer.#samples[k]!.get(entry.tensor)!,
    );
  }

  #push(line: Line, tensor: Tensor, sample: (set: number) => NdArray): number {
    this.#samples.forEach((known, k) => known.set(tensor, sample(k)));
    const depends = isInput(line) || operandsOf(line).some((k) => this.depends(k));
    const { shape, dtype } = tensor;
    return this.#entries.push({ line, tensor, depends, shape, dtype }) - 1;
  }

  /** Adds a function of the program; its number. */
  define(own: OwnFunction): number {
    this.#built.push(buildFunction(own, [...this.#built]));
    return this.functions.push(own) - 1;
  }

  /** Adds a call of a public function, or of one of the program's own. */
  call(call: string | number, args: readonly Argument[], take?: string | number): number {
    const line: CallLine = { call, args, ...(take === undefined ? {} : { take }) };
    try {
      const values = { of: (k: number) => this.#entries[k]!.tensor, functions: this.#built };
      const tensor = callLine(line, values);
      if (tensor.size > this.limits.size) throw new TooLarge(`${formatAval(tensor)} is too large`);
      return this.#push(line, tensor, (k) => evaluateIn(this.#samples[k]!, tensor));
    } catch (error) {
      if (error instanceof TooLarge) throw error;
      const lines = [...this.#entries.map((entry) => entry.line), line];
      const { length } = this;
      throw new RefusedCall({ lines, outputs: [length], functions: [...this.functions] }, error);
    }
  }

  /** Takes back all lines from `length` on. */
  truncate(length: number): void {
    this.#entries.length = length;
  }

  /** Elements of a line in all samples. */
  elements(line: number): number[] {
    const { tensor } = this.#entries[line]!;
    return this.#samples.flatMap((known) => Array.from(known.get(tensor)!.data));
  }

  /** Largest magnitude in the samples; 0 for no elements. */
  bound(line: number): number {
    return this.elements(line).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  }

  /** Least value in the samples; 0 for no elements. */
  least(line: number): number {
    const elements = this.elements(line);
    return elements.length === 0 ? 0 : elements.reduce((a, b) => Math.min(a, b));
  }

  /** A line that fits, more often a late one; `undefined` if there is none. */
  find(fits: (aval: Aval, line: number) => boolean): number | undefined {
    const all = this.#entries.flatMap((aval, k) => fits(aval, k) ? [k] : []);
    if (all.length === 0) return undefined;
    // What is made of constants is constant.
    const variable = all.filter((k) => this.depends(k));
    const lines = variable.length > 0 && this.draw.chance(0.8) ? variable : all;
    // Long chains are what kernels are made of.
    if (this.draw.chance(0.3)) return lines.at(-1);
    return this.draw.chance(0.5) ? this.draw.pick(lines.slice(-4)) : this.draw.pick(lines);
  }

  /** An `f32` line, which there always is. */
  float(fits: (aval: Aval) => boolean = () => true): number | undefined {
    return this.find((aval) => aval.dtype === "f32" && fits(aval));
  }

  /** A line of a shape: one that is there, else a new input (a constant inside of functions). */
  provide(shape: Shape, dtype: DType = "f32", style: Style = "normal"): number {
    const join = shape.join();
    const plain = style === "normal" || style === "small";
    const found = plain && this.draw.chance(0.5)
      ? this.find((aval) => aval.dtype === dtype && aval.shape.join() === join)
      : undefined;
    if (found !== undefined) return found;
    if (sizeOf(shape) > this.limits.given) return this.#repeated(shape, dtype, style);
    if (this.depth === 0 && this.draw.chance(0.8)) return this.input(shape, dtype, style);
    const { data } = drawInput({ shape, dtype, style }, this.draw);
    return this.call("constant", [[...data], { shape: [...shape], dtype }]);
  }

  /** A small line, repeated along its longest axes. */
  #repeated(shape: Shape, dtype: DType, style: Style): number {
    const single = [...shape];
    while (sizeOf(single) > this.limits.given) single[single.indexOf(Math.max(...single))] = 1;
    const line = this.provide(single, dtype, style);
    return this.call("broadcastTo", [new Ref(line), [...shape]]);
  }

  /** An `f32` line under another shape of the same number of elements. */
  reshaped(line: number, shape: Shape): number {
    return this.call("reshape", [new Ref(line), [...shape]]);
  }

  /** An extent of the program. */
  extent(): number {
    return this.draw.pick(this.limits.extents);
  }

  /** A shape of the given rank that is not too large. */
  shape(rank: number, most = this.limits.size): number[] {
    // Where axes have equal extents, nothing but wrong numbers tells that they were exchanged.
    const shape: number[] = [];
    while (shape.length < rank) {
      const last = shape.at(-1);
      shape.push(last !== undefined && this.draw.chance(0.2) ? last : this.extent());
    }
    while (sizeOf(shape) > most) {
      const largest = shape.indexOf(Math.max(...shape));
      shape[largest] = Math.floor(shape[largest]! / 2);
    }
    return shape;
  }
}

/** Thrown where a value would be larger than the program may be. */
export class TooLarge extends Error {}

/** Computes a tensor from those that are known, in float64, and remembers what it computes. */
function evaluateIn(known: Map<Tensor, NdArray>, tensor: Tensor): NdArray {
  for (const node of nodesBetween([tensor], (node) => known.has(node.outputs[0]!))) {
    const operands = node.inputs.map((input) => known.get(input)!);
    const results = node.primitive.evaluate(node.params, operands, node.outputs);
    node.outputs.forEach((output, k) => known.set(output, results[k]!));
  }
  return known.get(tensor)!;
}
