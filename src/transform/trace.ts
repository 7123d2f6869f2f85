/**
 * From functions to programs and back.
 *
 * @module
 */
import type { Aval } from "../ir/aval.ts";
import { describe, isPromise } from "../ir/describe.ts";
import { requireCall } from "../ir/options.ts";
import { type Program, programOf, requireProgram } from "../ir/program.ts";
import { applyAll, Tensor } from "../ir/tensor.ts";
import { input } from "../ops/source.ts";
import { flatten, type Structure, unflatten } from "../tree/tree.ts";

/** A traced function. */
export interface Traced {
  /** The program; its inputs are the leaves of the arguments in order. */
  readonly program: Program;
  /** Structure of the argument list. */
  readonly inputs: Structure;
  /** Structure of the result. */
  readonly outputs: Structure;
  /** Path of each input, such as `0.encoder.weight` (first the number of the argument). */
  readonly inputPaths: readonly string[];
}

/**
 * Runs a function on symbolic tensors and returns the program it builds.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param avals The arguments, with shapes and element types ({@linkcode Aval}) as leaves.
 * @returns The program and the structures of arguments and result.
 * @throws {TypeError} If the function returns anything but tensors in arrays and plain objects.
 *
 * @example
 * ```ts
 * import { mul, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const weighted = ({ w }: { w: Tensor }, x: Tensor) => mul(w, x);
 * const { program, inputPaths } = trace(weighted, [
 *   { w: { shape: [3], dtype: "f32" } },
 *   { shape: [3], dtype: "f32" },
 * ]);
 * assertEquals([inputPaths, program.outputs[0]?.shape], [["0.w", "1"], [3]]);
 * ```
 */
export function trace<A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  avals: readonly unknown[],
): Traced {
  requireCall("trace", arguments, 2);
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot trace ${describe(fn)}: expected a function of tensors.`);
  }
  const flat = flattenAvals(avals);
  const inputs = flat.leaves.map((aval) => input(aval));
  const result = flatten<Tensor>(fn(...unflatten<A>(flat.structure, inputs)));
  result.leaves.forEach((leaf, k) => {
    if (!(leaf instanceof Tensor)) {
      throw new TypeError(
        `Cannot trace a function: its result${at(result.paths[k]!)} is ${
          describe(leaf)
        }, expected a tensor. ${
          isPromise(leaf)
            ? "It is called once, to write the program down: it cannot be async."
            : "Return what is to be read; numbers become tensors with constant()."
        }`,
      );
    }
  });
  return {
    program: programOf(inputs, result.leaves),
    inputs: flat.structure,
    outputs: result.structure,
    inputPaths: flat.paths,
  };
}

/** A path in words, for errors. */
export function at(path: string): string {
  return path === "" ? "" : ` at ${path}`;
}

/** Flattens a tree whose leaves are {@linkcode Aval}s (an aval is a plain object, too). */
function flattenAvals(tree: readonly unknown[]): {
  leaves: Aval[];
  structure: Structure;
  paths: string[];
} {
  const wrapped = flatten<AvalLeaf>(wrap(tree));
  return { ...wrapped, leaves: wrapped.leaves.map((leaf) => leaf.aval) };
}

class AvalLeaf {
  readonly aval: Aval;
  constructor(aval: Aval) {
    this.aval = aval;
  }
}

function wrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wrap);
  if (typeof value === "object" && value !== null && !isPromise(value)) {
    const { shape, dtype } = value as Partial<Aval>;
    if (Array.isArray(shape) && typeof dtype === "string") {
      return new AvalLeaf({ shape, dtype: dtype as Aval["dtype"] });
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wrap(inner)]));
  }
  throw new TypeError(
    `Cannot trace a function: an argument holds ${describe(value)}, expected { shape, dtype }.`,
  );
}

/**
 * Applies a program's nodes anew to other tensors.
 *
 * @param program The program.
 * @param args One tensor for each input of the program.
 * @returns The program's outputs, computed from `args`.
 *
 * @example
 * ```ts
 * import { constant, inline, mul, type Tensor, trace, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { program } = trace((x: Tensor) => mul(x, x), [{ shape: [2], dtype: "f32" }]);
 * assertEquals(inline(program, [constant([2, 3])]).map(valuesOf), [[4, 9]]);
 * ```
 */
export function inline(program: Program, args: readonly Tensor[]): Tensor[] {
  requireCall("inline", arguments, 2);
  requireProgram("inline", program);
  const values = new Map<Tensor, Tensor>();
  program.inputs.forEach((tensor, k) => values.set(tensor, args[k]!));
  for (const node of program.nodes) {
    if (node.primitive.name === "input") continue;
    const outputs = applyAll(
      node.primitive,
      node.params,
      node.inputs.map((tensor) => values.get(tensor)!),
    );
    node.outputs.forEach((tensor, k) => values.set(tensor, outputs[k]!));
  }
  return program.outputs.map((tensor) => values.get(tensor)!);
}
