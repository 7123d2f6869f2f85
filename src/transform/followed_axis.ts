/**
 * An axis followed through a program: what is computed part by part along it.
 *
 * @module
 */
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { type AxisPattern, axisPatterns } from "./axis_patterns.ts";

/** An axis of a tensor. */
export interface Place {
  /** The tensor. */
  readonly tensor: Tensor;
  /** Its axis. */
  readonly axis: number;
}

/** What an axis of one tensor is in the others of a program. */
export interface FollowedAxis {
  /** Where it was followed from. */
  readonly seed: Place;
  /** Number of its smallest parts. */
  readonly extent: number;
  /** The axis of every tensor that has it. */
  readonly axisOf: ReadonlyMap<Tensor, number>;
  /** How the nodes are computed that work part by part; the others work on whole tensors. */
  readonly patternOf: ReadonlyMap<Node, AxisPattern>;
  /**
   * Passes over the parts that must have ended before a tensor can be computed: what is combined from parts,
   * or needs a whole tensor, is ready after the pass that computes these.
   */
  readonly levelOf: ReadonlyMap<Tensor, number>;
}

/** Nodes that use each tensor of a program. */
export function usersOf(program: Program): Map<Tensor, Node[]> {
  const users = new Map<Tensor, Node[]>();
  for (const node of program.nodes) {
    for (const tensor of new Set(node.inputs)) {
      const list = users.get(tensor);
      if (list) list.push(node);
      else users.set(tensor, [node]);
    }
  }
  return users;
}

/**
 * Follows an axis to all tensors that have it, to operands and to users.
 *
 * Whatever it finds is right: a tensor that is computed whole is cut into parts where they are used, and
 * parts are joined where a whole tensor is used. It decides only what is never whole.
 *
 * @param program The program, without calls that are to be followed.
 * @param seed Where to begin.
 * @param options Number of the smallest parts, which divides the seed's extent; users of each tensor.
 */
export function followAxis(
  program: Program,
  seed: Place,
  { extent, users }: {
    readonly extent: number;
    readonly users: ReadonlyMap<Tensor, readonly Node[]>;
  },
): FollowedAxis {
  const axisOf = new Map<Tensor, number>();
  const patterns = new Map<Node, readonly AxisPattern[]>();
  const waiting: Tensor[] = [];
  const assign = (tensor: Tensor, axis: number): void => {
    if (axisOf.has(tensor)) return;
    axisOf.set(tensor, axis);
    waiting.push(tensor);
  };
  assign(seed.tensor, seed.axis);
  for (let at = 0; at < waiting.length; at++) {
    const tensor = waiting[at]!;
    for (const node of [tensor.node, ...users.get(tensor) ?? []]) {
      const known = patterns.get(node) ?? axisPatterns(node, extent);
      patterns.set(node, known);
      const next = known.find((pattern) => agrees(node, pattern, axisOf));
      if (!next) continue;
      if (next.output !== null) assign(node.outputs[0]!, next.output);
      next.inputs.forEach((axis, k) => axis === null || assign(node.inputs[k]!, axis));
    }
  }
  const patternOf = new Map<Node, AxisPattern>();
  for (const [node, known] of patterns) {
    const found = known.find((pattern) => holds(node, pattern, axisOf));
    if (found) patternOf.set(node, found);
  }
  return { seed, extent, axisOf, patternOf, levelOf: levels(program, { axisOf, patternOf }) };
}

/** Whether a pattern contradicts nothing that is known. */
function agrees(
  { inputs, outputs: [output] }: Node,
  pattern: AxisPattern,
  axisOf: ReadonlyMap<Tensor, number>,
): boolean {
  const may = (tensor: Tensor, axis: number | null): boolean =>
    !axisOf.has(tensor) || axisOf.get(tensor) === axis;
  return may(output!, pattern.output) &&
    pattern.inputs.every((axis, k) =>
      may(inputs[k]!, axis) && pattern.inputs[inputs.indexOf(inputs[k]!)] === axis
    );
}

/** Whether a pattern is what was found for all operands and the result. */
function holds(
  { inputs, outputs: [output] }: Node,
  pattern: AxisPattern,
  axisOf: ReadonlyMap<Tensor, number>,
): boolean {
  const is = (tensor: Tensor, axis: number | null): boolean =>
    (axisOf.get(tensor) ?? null) === axis;
  return is(output!, pattern.output) && pattern.inputs.every((axis, k) => is(inputs[k]!, axis));
}

function levels(
  { inputs, nodes }: Program,
  { axisOf, patternOf }: Pick<FollowedAxis, "axisOf" | "patternOf">,
): Map<Tensor, number> {
  const levelOf = new Map<Tensor, number>(inputs.map((tensor) => [tensor, 0]));
  const inParts = (tensor: Tensor): boolean => axisOf.has(tensor) && patternOf.has(tensor.node);
  for (const node of nodes) {
    const pattern = patternOf.get(node);
    let level = 0;
    for (const operand of node.inputs) {
      const whole = !pattern && inParts(operand) ? 1 : 0;
      level = Math.max(level, levelOf.get(operand)! + whole);
    }
    if (pattern?.output === null) level++;
    for (const output of node.outputs) levelOf.set(output, level);
  }
  return levelOf;
}
