/**
 * Programs rewritten node by node.
 *
 * @module
 */
import { type Program, programOf } from "../ir/program.ts";
import { applyAll, type Node, type Tensor } from "../ir/tensor.ts";

/** What replaces a node whose operands are now `inputs`; `undefined`: the same primitive. */
export type NodeRule = (node: Node, inputs: readonly Tensor[]) => readonly Tensor[] | undefined;

/** Applies `node`'s primitive to other operands, or returns its results where they are the same. */
export function moveNode(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const same = inputs.every((tensor, k) => tensor === node.inputs[k]);
  return same ? node.outputs : applyAll(node.primitive, node.params, inputs);
}

/**
 * Rewrites a program from its inputs to its outputs.
 *
 * @param program The program; its inputs stay.
 * @param rule What replaces each node that is not an input: results of the same shapes.
 * @returns The outputs in terms of the replacements.
 */
export function rewriteOutputs(program: Program, rule: NodeRule): Tensor[] {
  const done = new Map<Tensor, Tensor>(program.inputs.map((tensor) => [tensor, tensor]));
  for (const node of program.nodes) {
    if (node.primitive.name === "input") continue;
    const inputs = node.inputs.map((tensor) => done.get(tensor)!);
    const results = rule(node, inputs) ?? moveNode(node, inputs);
    node.outputs.forEach((output, k) => done.set(output, results[k]!));
  }
  return program.outputs.map((output) => done.get(output)!);
}

/** The program with every node replaced by what `rule` says. */
export function rewriteNodes(program: Program, rule: NodeRule): Program {
  return programOf(program.inputs, rewriteOutputs(program, rule));
}
