/**
 * Programs as data: calls of public functions by name. They are built, printed and made smaller.
 *
 * @module
 */
import * as loss from "../../src/loss/mod.ts";
import type { Aval } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as random from "../../src/random/mod.ts";
import * as tensor from "../../src/tensor/mod.ts";
import * as transform from "../../src/transform/mod.ts";

/** How the elements of an input are drawn. */
export type Style = "normal" | "positive" | "grid" | "small" | "wide" | "index" | "key";

/** An input of a program. */
export interface InputLine extends Aval {
  /** How its elements are drawn. */
  readonly style: Style;
}

/** The result of an earlier line. */
export class Ref {
  /** Number of the line. */
  readonly line: number;
  constructor(line: number) {
    this.line = line;
  }
}

/** An argument of a call. */
export type Argument =
  | Ref
  | number
  | string
  | boolean
  | null
  | readonly Argument[]
  | { readonly [name: string]: Argument };

/** A call of a public function, or of one of the program's own functions. */
export interface CallLine {
  /** Name of a public function, or number of a function of the program. */
  readonly call: string | number;
  /** Its arguments. */
  readonly args: readonly Argument[];
  /** Which member of the result; all of it if undefined. */
  readonly take?: string | number;
}

/** One value: an input or a call. */
export type Line = InputLine | CallLine;

/** A function of tensors. */
export interface Body {
  /** Its values, in order; those that are inputs are its arguments, in this order. */
  readonly lines: readonly Line[];
  /** Numbers of the lines that are its results. */
  readonly outputs: readonly number[];
}

/** How a function of the program is made of its body. */
export const wrappers = [
  "checkpoint",
  "vmap",
  "customJvp",
  "halfJvp",
  "inline",
  "grad",
  "valueAndGrad",
  "jvp",
  "vjp",
  "hvp",
] as const;

/** A function of the program. */
export interface OwnFunction {
  /** How it is made. */
  readonly wrapper: (typeof wrappers)[number];
  /** What it computes. */
  readonly body: Body;
  /** Mapped axes of `vmap`. */
  readonly axes?: readonly (number | null)[];
}

/** A program with its own functions. */
export interface Recipe extends Body {
  /** Functions; each uses only those before it. */
  readonly functions: readonly OwnFunction[];
}

/** Functions of tensors; a body with one output returns it, others a list. */
type Built = (...args: Tensor[]) => unknown;

/** Everything that a program may call. */
export const PUBLIC: Readonly<Record<string, unknown>> = {
  ...tensor,
  ...random,
  ...loss,
};

/** Whether a line is an input. */
export function isInput(line: Line): line is InputLine {
  return "style" in line;
}

/** The inputs of a body. */
export function inputsOf({ lines }: Body): InputLine[] {
  return lines.filter(isInput);
}

/** The lines to which an argument refers. */
export function referencesOf(argument: Argument): number[] {
  if (argument instanceof Ref) return [argument.line];
  if (argument === null || typeof argument !== "object") return [];
  return Object.values(argument).flatMap(referencesOf);
}

/** The lines to which a line refers. */
export function operandsOf(line: Line): number[] {
  return isInput(line) ? [] : line.args.flatMap(referencesOf);
}

/** An argument with its references mapped. */
export function mapReferences(argument: Argument, map: (line: number) => number): Argument {
  if (argument instanceof Ref) return new Ref(map(argument.line));
  if (argument === null || typeof argument !== "object") return argument;
  if (Array.isArray(argument)) return argument.map((item) => mapReferences(item, map));
  return Object.fromEntries(
    Object.entries(argument).map(([name, item]) => [name, mapReferences(item, map)]),
  );
}

/** The value of a call. */
export function callLine(
  { call, args, take }: CallLine,
  values: { readonly of: (line: number) => Tensor; readonly functions: readonly Built[] },
): Tensor {
  const resolve = (argument: Argument): unknown => {
    if (argument instanceof Ref) return values.of(argument.line);
    if (argument === null || typeof argument !== "object") return argument;
    if (Array.isArray(argument)) return argument.map(resolve);
    return Object.fromEntries(
      Object.entries(argument).map(([name, item]) => [name, resolve(item)]),
    );
  };
  const fn = typeof call === "number" ? values.functions[call] : PUBLIC[call];
  if (typeof fn !== "function") throw new Error(`Internal error: no function '${call}'.`);
  const result = fn(...args.map(resolve));
  return take === undefined ? result : result[take];
}

/** Builds a body as a function of tensors. */
export function buildBody(
  body: Body,
  functions: readonly Built[],
): (...args: Tensor[]) => Tensor[] {
  return (...args) => {
    const values: Tensor[] = [];
    let next = 0;
    for (const line of body.lines) {
      values.push(
        isInput(line) ? args[next++]! : callLine(line, { of: (k) => values[k]!, functions }),
      );
    }
    return body.outputs.map((k) => values[k]!);
  };
}

/** Builds a function of a program from the functions before it. */
export function buildFunction(own: OwnFunction, before: readonly Built[]): Built {
  const all = buildBody(own.body, before);
  const body: Built = own.body.outputs.length === 1 ? (...args) => all(...args)[0] : all;
  const one = (...args: Tensor[]): Tensor => all(...args)[0]!;
  const first = (rest: readonly Tensor[]) => (x: Tensor): Tensor => one(x, ...rest);
  switch (own.wrapper) {
    case "checkpoint":
      return transform.checkpoint(body);
    case "vmap":
      return transform.vmap(body, own.axes);
    case "customJvp":
      return transform.customJvp(
        one,
        (p, t) => transform.jvp(one, [...p], [...t]).tangent,
      );
    case "halfJvp":
      return transform.customJvp(
        one,
        (p, t) => tensor.mul(transform.jvp(one, [...p], [...t]).tangent, 0.5),
      );
    case "inline":
      return (...args) => transform.inline(transform.trace(one, args.map(avalOf)).program, args)[0];
    case "grad":
      return transform.grad(one);
    case "valueAndGrad":
      return transform.valueAndGrad(one);
    case "jvp":
      return (x, t, ...rest) => transform.jvp(first(rest), [x!], [t!]).tangent;
    case "vjp":
      return (x, ct, ...rest) => transform.vjp(first(rest), [x!]).pullback(ct!)[0];
    case "hvp":
      return (x, v, ...rest) => transform.hvp(one)(x!, v!, ...rest);
  }
}

function avalOf({ shape, dtype }: Aval): Aval {
  return { shape, dtype };
}

/** Builds a program as a function of tensors. */
export function build(recipe: Recipe): (...args: Tensor[]) => Tensor[] {
  const functions: Built[] = [];
  for (const own of recipe.functions) functions.push(buildFunction(own, [...functions]));
  return buildBody(recipe, functions);
}
