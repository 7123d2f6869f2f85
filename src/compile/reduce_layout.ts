/**
 * How the loops of a reduction are arranged: what is computed four at a time, what the invocations of a workgroup
 * share, and into how many parts long sums are split.
 *
 * @module
 */
import type { Shape } from "../ir/aval.ts";
import { sizeOf } from "../ir/aval.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Node } from "../ir/tensor.ts";
import {
  arrange,
  joinedParts,
  MOST_ITERATIONS,
  NO_TEAM,
  type Team,
  type TeamWork,
} from "./team.ts";
import type { ReduceUnit } from "./units.ts";

/** How the loops are arranged. */
export interface Layout {
  /** Four neighbouring results, four neighbouring operand elements, or neither at once. */
  readonly lanes: "kept" | "reduced" | "none";
  /** Shape of the results. */
  readonly kept: Shape;
  /** Extents of the reduced axes. */
  readonly reduced: Shape;
  /** Invocations for one part of all results. */
  readonly columns: number;
  /** Loop iterations of all parts together. */
  readonly iterations: number;
  /** Number of parts. */
  readonly parts: number;
  /** Iterations of one part. */
  readonly each: number;
  /** What the invocations of a workgroup share in the pass over the operands. */
  readonly team: Team;
  /** The same in the pass that joins the parts. */
  readonly join: Team;
}

/** What a reduction computes. */
export type Op = "sum" | "max" | "argmax";

/** What the reduction `node` computes. */
export function opOf(node: Node): Op {
  const { lower } = node.primitive;
  if (lower.kind !== "reduce") throw new Error("Internal error: not a reduction.");
  return lower.op;
}

/** Arranges the loops of a unit for an adapter, with `vectors` of four where shapes allow. */
export function layoutOf(
  unit: ReduceUnit,
  traits: DeviceTraits,
  { vectors = true }: { readonly vectors?: boolean } = {},
): Layout {
  const { node } = unit.reductions[0]!;
  const { lower } = node.primitive;
  if (lower.kind !== "reduce") throw new Error("Internal error: not a reduction.");
  const axes = lower.axes(node.params);
  const { shape, size } = node.inputs[0]!;
  const kept = shape.filter((_, axis) => !axes.includes(axis));
  const reduced = axes.map((axis) => shape[axis]!);
  const positions = unit.reductions.some((tensor) => opOf(tensor.node) === "argmax");
  const lastKept = !axes.includes(shape.length - 1);
  const lanes = !vectors || size < traits.costs.leastVectors
    ? "none"
    : lastKept && sizeOf(kept) % 4 === 0 && kept.at(-1)! % 4 === 0
    ? "kept"
    : !lastKept && !positions && sizeOf(reduced) % 4 === 0 && reduced.at(-1)! % 4 === 0
    ? "reduced"
    : "none";
  const columns = sizeOf(kept) / (lanes === "kept" ? 4 : 1);
  const iterations = sizeOf(reduced) / (lanes === "reduced" ? 4 : 1);
  const inner = shape.findLastIndex((extent) => extent > 1);
  const work: TeamWork = {
    columns,
    iterations,
    bytes: lanes === "none" ? 4 : 16,
    along: axes.includes(inner),
    result: lanes === "kept" ? 16 : 4,
    left: unit.reductions.reduce((sum, { node }) => sum + (opOf(node) === "argmax" ? 2 : 1), 0),
  };
  const most = positions ? 1 : Infinity;
  const row = lastKept ? kept.at(-1)! / (lanes === "kept" ? 4 : 1) : 1;
  // Positions have no parts: what is too much for one invocation, several share on processors, too.
  const shared = traits.costs.occupancy || iterations / most > MOST_ITERATIONS;
  const split = shared && columns * iterations > 0
    ? arrange(work, traits, most)
    : inOrder(work, { row, most }, traits);
  const { team: { peers }, parts } = split;
  const each = peers * Math.ceil(iterations / parts / peers);
  if (each > MOST_ITERATIONS * peers) {
    throw new Error(
      `Cannot compile an argmax over ${iterations} elements: one invocation may visit ` +
        `${MOST_ITERATIONS}. Reduce in two steps.`,
    );
  }
  return {
    ...split,
    lanes,
    kept,
    reduced,
    columns,
    iterations,
    each,
    parts: Math.ceil(iterations / each),
  };
}

/**
 * Where invocations run one after the other, as many parts as keep the adapter busy, which their workgroups join if
 * that costs less than a second pass. `row` are the columns that lie side by side in memory.
 */
function inOrder(
  work: TeamWork,
  { row, most }: { readonly row: number; readonly most: number },
  traits: DeviceTraits,
): Pick<Layout, "team" | "parts" | "join"> {
  const each = Math.ceil(work.iterations / Math.min(most, partsOf(work, traits)));
  const parts = Math.ceil(work.iterations / each);
  const team = joinedParts(work, { parts, row }, traits);
  return { team, parts: team.peers > 1 ? 1 : parts, join: NO_TEAM };
}

/** Where invocations run one after the other, as many parts as keep the adapter busy. */
function partsOf(
  { columns, iterations }: TeamWork,
  { costs: { busy, leastIterations, shortLoops } }: DeviceTraits,
): number {
  const parts = Math.min(
    Math.ceil(busy.reduced / columns),
    Math.ceil(iterations / leastIterations.reduced),
  );
  const least = Math.max(1, Math.ceil(iterations / MOST_ITERATIONS));
  // A short loop may cost less than the dispatch that would join its parts.
  return iterations * columns <= shortLoops ? least : Math.max(least, parts);
}
