/**
 * Concatenations of many tensors as trees of concatenations of few.
 *
 * A dispatch reads a limited number of buffers, so a kernel that concatenates may not have more
 * operands than that.
 *
 * @module
 */
import type { Program } from "../ir/program.ts";
import { applyAll, type Tensor } from "../ir/tensor.ts";
import { concat, type ConcatParams } from "../ops/concat.ts";
import { callP } from "./call.ts";
import { rewriteNodes } from "./rewrite_nodes.ts";

const known = new WeakMap<Program, Map<number, Program>>();

/**
 * Splits every concatenation of more than `most` tensors, in called programs too.
 *
 * @param program The program.
 * @param most Most operands of one concatenation, at least 2.
 * @returns A program with the same inputs and results.
 */
export function splitConcats(program: Program, most: number): Program {
  let limits = known.get(program);
  if (!limits) known.set(program, limits = new Map());
  let result = limits.get(most);
  if (!result) limits.set(most, result = split(program, most));
  return result;
}

function split(program: Program, most: number): Program {
  const isLong = (name: string, operands: number): boolean => name === "concat" && operands > most;
  const needed = program.nodes.some(({ primitive: { name, lower }, inputs }) =>
    lower.kind === "call" || isLong(name, inputs.length)
  );
  if (!needed) return program;
  return rewriteNodes(program, ({ primitive, params }, inputs) => {
    if (primitive.lower.kind === "call") {
      const callee = splitConcats(primitive.lower.program(params), most);
      return applyAll(callP, { program: callee }, inputs);
    }
    if (!isLong(primitive.name, inputs.length)) return undefined;
    return [concatInSteps(inputs, (params as ConcatParams).axis, most)];
  });
}

function concatInSteps(tensors: readonly Tensor[], axis: number, most: number): Tensor {
  if (tensors.length <= most) return concat(tensors, axis);
  const each = Math.ceil(tensors.length / Math.ceil(tensors.length / most));
  const parts: Tensor[] = [];
  for (let at = 0; at < tensors.length; at += each) {
    parts.push(concat(tensors.slice(at, at + each), axis));
  }
  return concatInSteps(parts, axis, most);
}
