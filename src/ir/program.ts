/**
 * Programs: graphs of tensors from given inputs to wanted outputs.
 *
 * @module
 */
import { describe } from "./describe.ts";
import { formatAval } from "./aval.ts";
import type { Node, Tensor } from "./tensor.ts";

/** A static graph: its inputs, its outputs and the nodes between them in a runnable order. */
export interface Program {
  /** Input tensors; each is the result of an `input` node. */
  readonly inputs: readonly Tensor[];
  /** Wanted results. */
  readonly outputs: readonly Tensor[];
  /** Every node the outputs need, operands before users; contains input nodes that are used. */
  readonly nodes: readonly Node[];
}

/**
 * Throws unless something is a program, for callers without types.
 *
 * @param name Name of the function, for the error.
 * @param found What was given for a program.
 * @throws {TypeError} Says what was found instead.
 */
export function requireProgram(name: string, found: Program): void {
  const { inputs, outputs, nodes } = found ?? {};
  if ([inputs, outputs, nodes].every(Array.isArray)) return;
  throw new TypeError(
    `Cannot call ${name}(): found ${
      describe(found)
    }, expected a program, such as trace(fn, shapes).program.`,
  );
}

/**
 * Collects the nodes that `outputs` need, operands first.
 *
 * @param outputs The wanted tensors.
 * @param skip Nodes for which it holds are left out, and with them what only they need.
 */
export function nodesBetween(
  outputs: readonly Tensor[],
  skip: (node: Node) => boolean = () => false,
): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.map((output) => output.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node) || skip(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  // Operands are created before their users, so creation order is a runnable order.
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Makes a program of input tensors and the outputs computed from them. */
export function programOf(inputs: readonly Tensor[], outputs: readonly Tensor[]): Program {
  const nodes = nodesBetween(outputs);
  const given = new Set(inputs.map((input) => input.node));
  for (const node of nodes) {
    if (node.primitive.name === "input" && !given.has(node)) {
      throw new Error(
        `Cannot make a program: it uses an input ${
          formatAval(node.outputs[0]!)
        } that is not among its ${inputs.length} inputs. ` +
          `A tensor of another trace has leaked in; pass it as an argument instead.`,
      );
    }
  }
  return { inputs, outputs, nodes };
}

/**
 * How often each primitive occurs in a program.
 *
 * @example
 * ```ts
 * import { countPrimitives, mul, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const cube = (x: Tensor) => mul(x, mul(x, x));
 * const { program } = trace(cube, [{ shape: [], dtype: "f32" }]);
 * assertEquals(countPrimitives(program).get("mul"), 2);
 * ```
 */
export function countPrimitives(program: Program): Map<string, number> {
  requireProgram("countPrimitives", program);
  const counts = new Map<string, number>();
  for (const { primitive } of program.nodes) {
    counts.set(primitive.name, (counts.get(primitive.name) ?? 0) + 1);
  }
  return counts;
}

/**
 * Counts the nodes of a program, those of a called program once for every call.
 *
 * @param program The program.
 * @returns Their number.
 */
export function countNodes(program: Program): number {
  return program.nodes.reduce(
    (count, { primitive: { lower }, params }) =>
      count + (lower.kind === "call" ? countNodes(lower.program(params)) : 1),
    0,
  );
}

/**
 * Floating-point operations of one run of a program (a multiply-add counts 2).
 *
 * @example
 * ```ts
 * import { matmul, programFlops, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const shapes = [{ shape: [2, 3], dtype: "f32" }, { shape: [3, 4], dtype: "f32" }] as const;
 * const { program } = trace((a: Tensor, b: Tensor) => matmul(a, b), shapes);
 * assertEquals(programFlops(program), 2 * 2 * 3 * 4);
 * ```
 */
export function programFlops(program: Program): number {
  requireProgram("programFlops", program);
  return program.nodes.reduce((sum, node) => sum + nodeFlops(node), 0);
}

/** Floating-point operations of one application of a primitive. */
export function nodeFlops({ primitive, params, inputs, outputs }: Node): number {
  if (primitive.flops) return primitive.flops(params, inputs, outputs);
  if (primitive.lower.kind === "reduce") return inputs[0]!.size;
  const computes = primitive.lower.kind === "pointwise" && primitive.lower.cost > 0;
  return computes ? outputs[0]!.size : 0;
}
