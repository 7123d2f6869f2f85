/**
 * Calls of programs: a function that is compiled once and used many times, and the means of
 * recomputation.
 *
 * A call keeps its insides apart from its surroundings. Its derivative is a call of the
 * derivative program, which recomputes what it needs from the call's operands; so nothing inside
 * is kept for the reverse pass, and two calls of one program share their compiled form.
 *
 * @module
 */
import { evaluate } from "../ir/evaluate.ts";
import { requireCall } from "../ir/options.ts";
import type { Linear, Primitive } from "../ir/primitive.ts";
import { type Program, programFlops, programOf } from "../ir/program.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import { applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { constantOf, like } from "../ops/fill.ts";
import { input } from "../ops/source.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import { pushForward } from "./jvp.ts";
import { trace } from "./trace.ts";
import { transposeLinear } from "./vjp.ts";
import { batchGraph } from "./vmap.ts";

/** Parameters of {@linkcode callP}. */
export interface CallParams {
  /** The program that is called; it refers to nothing but its inputs. */
  readonly program: Program;
  /** What it is part of, for printed programs. */
  readonly note?: string;
}

/** Derived programs of a program, so that equal calls stay equal. */
const derived = new WeakMap<Program, Map<string, Program>>();

function derive(program: Program, key: string, make: () => Program): Program {
  let known = derived.get(program);
  if (!known) derived.set(program, known = new Map());
  let found = known.get(key);
  if (!found) known.set(key, found = make());
  return found;
}

function mask(flags: readonly boolean[]): string {
  return flags.map((flag) => flag ? "1" : "0").join("");
}

/** Tangent program: operands, then the tangents that are not zero; results: tangents. */
function tangentProgram(program: Program, varying: readonly boolean[]): Program {
  return derive(program, `jvp ${mask(varying)}`, () => {
    const seeds = new Map<Tensor, Tensor>();
    program.inputs.forEach((tensor, k) => varying[k] && seeds.set(tensor, input(tensor)));
    const tangents = pushForward(program.outputs, seeds);
    return programOf(
      [...program.inputs, ...seeds.values()],
      tangents.map((tangent, k) => tangent ?? like(program.outputs[k]!, 0)),
    );
  });
}

/** Transposed program: the fixed operands, then all cotangents; results: cotangents. */
function transposedProgram(program: Program, linear: readonly boolean[]): Program {
  return derive(program, `transpose ${mask(linear)}`, () => {
    const sources = program.inputs.filter((_, k) => linear[k]);
    const cotangents = program.outputs.map((output) => input(output));
    const results = transposeLinear(program.outputs, cotangents, sources);
    return programOf(
      [...program.inputs.filter((_, k) => !linear[k]), ...cotangents],
      results.map((result, k) => result ?? like(sources[k]!, 0)),
    );
  });
}

function batchedProgram(program: Program, batched: readonly boolean[], batch: number): Program {
  return derive(program, `vmap ${mask(batched)} ${batch}`, () => {
    const mapped = new Map<Tensor, Tensor>();
    const inputs = program.inputs.map((tensor, k) => {
      if (!batched[k]) return tensor;
      const wide = input({ shape: [batch, ...tensor.shape], dtype: tensor.dtype });
      mapped.set(tensor, wide);
      return wide;
    });
    return programOf(inputs, batchGraph(program.outputs, mapped, batch));
  });
}

/** Results of a call of a derivative; those that are zero whatever is given are none, as they are without the call. */
function derivatives(program: Program, inputs: readonly Tensor[]): Linear[] {
  return applyAll(callP, { program }, inputs)
    .map((result, k) => constantOf(program.outputs[k]!) === 0 ? null : result);
}

/** Calls a program. */
export const callP: Primitive<CallParams> = {
  name: "call",
  avals: ({ program }) => program.outputs,
  evaluate: ({ program }, inputs) => evaluate(program, inputs),
  jvp: (node: Node<CallParams>, tangents): readonly Linear[] => {
    const { program } = node.params;
    const varying = tangents.map((tangent) => tangent !== null);
    const given = tangents.filter((tangent) => tangent !== null);
    const results = derivatives(tangentProgram(program, varying), [...node.inputs, ...given]);
    return results.map((tangent) => tangent?.dtype === "f32" ? tangent : null);
  },
  transpose: (node: Node<CallParams>, cotangents, linear): readonly Linear[] => {
    const { program } = node.params;
    const results = derivatives(transposedProgram(program, linear), [
      ...node.inputs.filter((_, k) => !linear[k]),
      ...cotangents.map((cotangent, k) => cotangent ?? like(program.outputs[k]!, 0)),
    ]);
    let next = 0;
    return linear.map((is) => is ? results[next++]! : null);
  },
  vmap: ({ params: { program } }, inputs, batch) =>
    applyAll(
      callP,
      { program: batchedProgram(program, inputs.map(({ batched }) => batched), batch) },
      inputs.map(({ tensor }) => tensor),
    ),
  lower: { kind: "call", program: ({ program }) => program },
  flops: ({ program }) => programFlops(program),
};

/**
 * Makes a function a program of its own wherever it is used: it is compiled once, and its inner
 * values are recomputed in the reverse pass instead of being kept.
 *
 * @param fn A function of trees of tensors; it must not use tensors that are not its arguments.
 * @returns A function with the same arguments and result.
 *
 * @example
 * ```ts
 * import { checkpoint, constant, exp, grad, sum, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const slim = checkpoint((x: Tensor) => sum(exp(x)));
 * assertEquals(valuesOf(grad(slim)(constant([0]))), [1]);
 * ```
 */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
): (...args: A) => R {
  requireCall("checkpoint", arguments, 1);
  const traced = new Map<string, ReturnType<typeof trace>>();
  return (...args) => {
    const { leaves, structure } = flatten<Tensor>(args);
    for (const leaf of leaves) requireTensor("call a checkpointed function", leaf);
    const avals = leaves.map(({ shape, dtype }) => ({ shape, dtype }));
    const key = JSON.stringify([avals, structure]);
    let found = traced.get(key);
    if (!found) {
      found = trace(
        (...tensors: Tensor[]) => fn(...unflatten<A>(structure, tensors)),
        avals,
      );
      traced.set(key, found);
    }
    return unflatten<R>(found.outputs, applyAll(callP, { program: found.program }, leaves));
  };
}
