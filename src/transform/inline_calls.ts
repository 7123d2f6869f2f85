/**
 * Calls dissolved into their surroundings.
 *
 * @module
 */
import { type Program, programOf } from "../ir/program.ts";
import { applyAll, type Tensor } from "../ir/tensor.ts";
import { inline } from "./trace.ts";

/**
 * Replaces every call (what `checkpoint` makes) by the called program.
 *
 * What several calls compute in common is then computed once and kept: a meta-gradient keeps the
 * activations of its inner steps instead of computing them again. That costs memory that grows
 * with the number of steps, and compile time that does so too.
 *
 * @param program The program.
 * @returns A program without calls, with the same inputs and results.
 */
export function inlineCalls(program: Program): Program {
  const done = new Map<Tensor, Tensor>(program.inputs.map((tensor) => [tensor, tensor]));
  for (const node of program.nodes) {
    const { primitive, params } = node;
    if (primitive.name === "input") continue;
    const inputs = node.inputs.map((tensor) => done.get(tensor)!);
    const same = inputs.every((tensor, k) => tensor === node.inputs[k]);
    const results = primitive.lower.kind === "call"
      ? inline(inlineCalls(primitive.lower.program(params)), inputs)
      : same
      ? node.outputs
      : applyAll(primitive, params, inputs);
    node.outputs.forEach((output, k) => done.set(output, results[k]!));
  }
  return programOf(program.inputs, program.outputs.map((output) => done.get(output)!));
}
