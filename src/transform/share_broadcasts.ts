/**
 * Repetitions of an input that repeat a smaller repetition of it.
 *
 * The parameters of a first step are repeated for each task, those of later steps are there for each task. Where the
 * first step reads a repetition, too, its kernels are those of later steps.
 *
 * @module
 */
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { broadcast, type BroadcastParams } from "../ops/broadcast.ts";
import { rewriteNodes } from "./rewrite_nodes.ts";

/**
 * Makes larger broadcasts of an input broadcasts of its smallest one, where there is one.
 *
 * @param program A simplified program.
 * @returns A program with the same inputs and results.
 */
export function shareBroadcasts(program: Program): Program {
  const smallest = new Map<Tensor, Node>();
  const sources = new Set(program.inputs);
  for (const node of program.nodes) {
    const [operand] = node.inputs;
    if (node.primitive.name !== "broadcast" || !sources.has(operand!)) continue;
    const known = smallest.get(operand!);
    if (!known || node.outputs[0]!.size < known.outputs[0]!.size) smallest.set(operand!, node);
  }
  return rewriteNodes(program, (node, [operand]) => {
    const inner = operand && smallest.get(operand);
    if (node.primitive.name !== "broadcast" || !inner || inner === node) return undefined;
    const [repeated] = inner.outputs;
    const { shape, axes } = node.params as BroadcastParams;
    const rest = axesBetween(inner.params as BroadcastParams, { shape, axes });
    return rest && [broadcast(repeated!, shape, rest)];
  });
}

/** The axes with which a broadcast of the result of `inner` is `outer`. */
function axesBetween(inner: BroadcastParams, outer: BroadcastParams): number[] | undefined {
  const found: number[] = [];
  for (const [axis, extent] of inner.shape.entries()) {
    const operand = inner.axes.indexOf(axis);
    let at = (found.at(-1) ?? -1) + 1;
    if (operand >= 0) {
      if (outer.axes[operand]! < at) return undefined;
      at = outer.axes[operand]!;
    } else while (at < outer.shape.length && outer.shape[at] !== extent) at++;
    if (at >= outer.shape.length) return undefined;
    found.push(at);
  }
  return found;
}
