/**
 * How the loops of a reduction are arranged: what is computed four at a time, and into how many parts
 * long sums are split.
 *
 * @module
 */
import type { Shape } from "../ir/aval.ts";
import { sizeOf } from "../ir/aval.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Node } from "../ir/tensor.ts";
import { WORKGROUP } from "./kernel_source.ts";
import type { ReduceUnit } from "./units.ts";

/** Most iterations of one invocation. */
const MOST_ITERATIONS = 32_768;

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
  /** Columns of which one workgroup computes all parts; 0 where parts are joined by a pass of their own. */
  readonly neighbours: number;
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
  const { shape } = node.inputs[0]!;
  const kept = shape.filter((_, axis) => !axes.includes(axis));
  const reduced = axes.map((axis) => shape[axis]!);
  const positions = unit.reductions.some((tensor) => opOf(tensor.node) === "argmax");
  const lastKept = !axes.includes(shape.length - 1);
  const lanes = !vectors
    ? "none"
    : lastKept && sizeOf(kept) % 4 === 0 && kept.at(-1)! % 4 === 0
    ? "kept"
    : !lastKept && !positions && sizeOf(reduced) % 4 === 0 && reduced.at(-1)! % 4 === 0
    ? "reduced"
    : "none";
  const columns = sizeOf(kept) / (lanes === "kept" ? 4 : 1);
  const iterations = sizeOf(reduced) / (lanes === "reduced" ? 4 : 1);
  const { busy, leastIterations, shortLoops } = traits.costs;
  let parts = Math.min(
    Math.ceil(busy.reduced / columns),
    Math.ceil(iterations / leastIterations.reduced),
  );
  // A short loop may cost less than the dispatch that would join its parts.
  if (iterations * columns <= shortLoops) parts = 1;
  parts = Math.max(1, parts, Math.ceil(iterations / MOST_ITERATIONS));
  if (positions) {
    if (iterations > MOST_ITERATIONS) {
      throw new Error(
        `Cannot compile an argmax over ${iterations} elements: one invocation may visit ` +
          `${MOST_ITERATIONS}. Reduce in two steps.`,
      );
    }
    parts = 1;
  }
  const each = Math.ceil(iterations / parts);
  const layout: Layout = {
    ...{ lanes, kept, reduced, columns, iterations },
    ...{ parts: Math.ceil(iterations / each), each, neighbours: 0 },
  };
  const row = lastKept ? kept.at(-1)! / (lanes === "kept" ? 4 : 1) : 1;
  return joinedInWorkgroup(layout, { row, reductions: unit.reductions.length }, traits) ?? layout;
}

/**
 * The layout whose parts a workgroup joins, if what that takes longer, where its invocations are fewer than could run,
 * costs less than the dispatch of a second pass. `row` are the columns that lie side by side in memory.
 */
function joinedInWorkgroup(
  layout: Layout,
  { row, reductions }: { readonly row: number; readonly reductions: number },
  { costs: { busy, dispatch, load, leastRun }, maxWorkgroupStorage }: DeviceTraits,
): Layout | undefined {
  const { lanes, columns, iterations, parts } = layout;
  if (parts === 1) return undefined;
  const width = lanes === "kept" ? 4 : 1;
  if (reductions * WORKGROUP * width * 4 > maxWorkgroupStorage) return undefined;
  const least = 2 ** Math.ceil(Math.log2(Math.min(row, Math.ceil(leastRun / width))));
  const most = 2 ** Math.floor(Math.log2(Math.min(columns, WORKGROUP / parts)));
  const neighbours = Math.max(1, least, most);
  if (neighbours > WORKGROUP / 2) return undefined;
  // Pairs of elements stay together.
  const pair = iterations % 2 === 0 ? 2 : 1;
  const each = pair * Math.ceil(iterations * neighbours / WORKGROUP / pair);
  // An iteration of few invocations takes as long as one of as many as the adapter runs.
  const longer = Math.max(0, each - layout.each) * busy.reduced * 4 * load;
  if (each > MOST_ITERATIONS || longer >= dispatch) return undefined;
  return { ...layout, parts: WORKGROUP / neighbours, each, neighbours };
}
