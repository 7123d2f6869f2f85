/**
 * Groups the work of a program into units: each becomes one or a few dispatches.
 *
 * Pointwise results of one size share a kernel, reductions of one operand shape over the same axes
 * share a pass, and pointwise results that follow either elementwise are computed with it.
 * Only units of one level (length of the longest chain of units below) are merged, so the order
 * between units stays acyclic.
 *
 * @module
 */
import { sizeOf } from "../ir/aval.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { type BufferChoice, MOST_VALUES } from "./choose_buffers.ts";
import { rootOf } from "./storage.ts";

/** What all units have. */
interface CommonUnit {
  /** The tensors in memory that the unit reads and does not itself write. */
  readonly reads: Set<Tensor>;
}

/** Pointwise results of one size. */
export interface MapUnit extends CommonUnit {
  readonly kind: "map";
  /** Elements of each result. */
  readonly size: number;
  /** The results. */
  readonly results: Tensor[];
}

/** Reductions in one pass, and what follows them elementwise. */
export interface ReduceUnit extends CommonUnit {
  readonly kind: "reduce";
  /** The reductions; operand shape and axes are equal. */
  readonly reductions: Tensor[];
  /** Pointwise results of the size of the reductions' results. */
  readonly epilogue: Tensor[];
}

/** A primitive with kernels of its own, or a call. */
export interface NodeUnit extends CommonUnit {
  readonly kind: "kernel" | "call" | "host";
  /** The application. */
  readonly node: Node;
}

/** Work of one or a few dispatches. */
export type Unit = MapUnit | ReduceUnit | NodeUnit;

interface Entry {
  readonly unit: Unit;
  readonly level: number;
  readonly results: Set<Tensor>;
  /** Values that its pointwise results compute or read. */
  length: number;
  first: number;
}

/** Forms the units of a program and puts them in a runnable order. */
export function formUnits(program: Program, choice: BufferChoice, traits: DeviceTraits): Unit[] {
  const entries: Entry[] = [];
  const writer = new Map<Tensor, Entry>();
  const limit = traits.maxStorageBuffers - 2;
  const levelOf = (leaves: Iterable<Tensor>): number => {
    let level = 0;
    for (const leaf of leaves) level = Math.max(level, 1 + (writer.get(leaf)?.level ?? -1));
    return level;
  };
  const open = new Map<string, Entry[]>();
  const fits = (entry: Entry, leaves: ReadonlySet<Tensor>): boolean =>
    new Set([...entry.unit.reads, ...leaves]).size + entry.results.size + 1 <= limit;
  const sharesLeaf = (entry: Entry, leaves: ReadonlySet<Tensor>): boolean =>
    [...leaves].some((leaf) => entry.unit.reads.has(leaf));
  const create = (unit: Unit, leaves: Iterable<Tensor>, key?: string): Entry => {
    const entry: Entry = {
      unit,
      level: levelOf(leaves),
      results: new Set(),
      length: 0,
      first: entries.length,
    };
    entries.push(entry);
    if (key) open.set(key, [...open.get(key) ?? [], entry]);
    return entry;
  };
  const extend = (entry: Entry, result: Tensor, leaves: Iterable<Tensor>): void => {
    for (const leaf of leaves) if (!entry.results.has(leaf)) entry.unit.reads.add(leaf);
    entry.results.add(result);
    writer.set(result, entry);
  };

  for (const node of program.nodes) {
    const { lower } = node.primitive;
    const [output] = node.outputs;
    if (lower.kind === "source" || lower.kind === "alias") continue;
    // What has no elements needs no work.
    if (node.outputs.every(({ size }) => size === 0)) continue;
    if (lower.kind === "kernel" || lower.kind === "call" || lower.kind === "host") {
      const leaves = new Set(node.inputs.map(rootOf));
      const entry = create({ kind: lower.kind, node, reads: new Set() }, leaves);
      for (const result of node.outputs) extend(entry, result, leaves);
    } else if (lower.kind === "reduce") {
      const [operand] = node.inputs;
      const leaves = choice.has(operand!) ? new Set([rootOf(operand!)]) : choice.leaves(operand!);
      const key = `reduce ${operand!.shape} / ${lower.axes(node.params)} @${levelOf(leaves)}`;
      const found = open.get(key)?.find((entry) =>
        sharesLeaf(entry, leaves) && fits(entry, leaves)
      );
      const entry = found ??
        create({ kind: "reduce", reductions: [], epilogue: [], reads: new Set() }, leaves, key);
      (entry.unit as ReduceUnit).reductions.push(output!);
      extend(entry, output!, leaves);
    } else if (lower.kind === "pointwise" && choice.has(output!)) {
      const leaves = choice.leaves(output!);
      const length = choice.length(output!);
      const above = precedingUnit(output!, leaves, { choice, writer });
      if (above && fits(above, leaves) && above.length + length <= MOST_VALUES) {
        above.length += length;
        if (above.unit.kind === "map") above.unit.results.push(output!);
        else (above.unit as ReduceUnit).epilogue.push(output!);
        extend(above, output!, leaves);
        continue;
      }
      const key = `map ${output!.size} @${levelOf(leaves)}`;
      const found = open.get(key)?.find((entry) =>
        sharesLeaf(entry, leaves) && fits(entry, leaves)
      );
      const entry = found ??
        create(
          { kind: "map", size: sizeOf(output!.shape), results: [], reads: new Set() },
          leaves,
          key,
        );
      (entry.unit as MapUnit).results.push(output!);
      entry.length += length;
      extend(entry, output!, leaves);
    }
  }
  return order(entries, writer).map((entry) => entry.unit);
}

/** The unit whose results a pointwise result follows elementwise, so that it can be one of them. */
function precedingUnit(
  result: Tensor,
  leaves: ReadonlySet<Tensor>,
  { choice, writer }: { choice: BufferChoice; writer: ReadonlyMap<Tensor, Entry> },
): Entry | undefined {
  let highest: Entry | undefined;
  for (const leaf of leaves) {
    const entry = writer.get(leaf);
    if (entry && entry.level >= (highest?.level ?? 0)) highest = entry;
  }
  if (highest?.unit.kind !== "reduce" && highest?.unit.kind !== "map") return undefined;
  for (const leaf of leaves) {
    const entry = writer.get(leaf);
    if (entry && entry !== highest && entry.level >= highest.level) return undefined;
  }
  return readsInPlace(result, highest.results, choice) ? highest : undefined;
}

/** Whether `tensor` reads the tensors of `own` only at its own element's position. */
function readsInPlace(tensor: Tensor, own: ReadonlySet<Tensor>, choice: BufferChoice): boolean {
  const seen = new Map<Tensor, boolean>();
  const apart = new Set<Tensor>();
  const visit = (at: Tensor, first: boolean): boolean => {
    if (own.has(at)) return true;
    if (!first && choice.has(at)) return true;
    const known = seen.get(at);
    if (known !== undefined) return known;
    const { lower } = at.node.primitive;
    const inPlace = lower.kind === "alias" || lower.kind === "pointwise" && lower.elementwise;
    const result = inPlace
      ? at.node.inputs.every((input) => visit(input, false))
      : at.node.inputs.every((input) => !reaches(input, own, { choice, apart }));
    seen.set(at, result);
    return result;
  };
  return visit(tensor, true);
}

/** Whether `tensor` reads one of `own`; `apart` are those that do not, as far as that is known. */
function reaches(
  tensor: Tensor,
  own: ReadonlySet<Tensor>,
  { choice, apart }: { readonly choice: BufferChoice; readonly apart: Set<Tensor> },
): boolean {
  if (apart.has(tensor)) return false;
  if (own.has(rootOf(tensor))) return true;
  if (
    !choice.has(tensor) &&
    tensor.node.inputs.some((input) => reaches(input, own, { choice, apart }))
  ) {
    return true;
  }
  apart.add(tensor);
  return false;
}

/** Runnable order; among units that could run, the one that was formed first goes first. */
function order(entries: readonly Entry[], writer: ReadonlyMap<Tensor, Entry>): Entry[] {
  const done = new Set<Entry>();
  const result: Entry[] = [];
  const visit = (entry: Entry): void => {
    const stack: { entry: Entry; deps: Entry[] }[] = [];
    const push = (next: Entry): void => {
      done.add(next);
      const deps = [...next.unit.reads].map((leaf) => writer.get(leaf))
        .filter((dep): dep is Entry => dep !== undefined && dep !== next);
      deps.sort((a, b) => b.first - a.first);
      stack.push({ entry: next, deps });
    };
    if (done.has(entry)) return;
    push(entry);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const next = top.deps.pop();
      if (!next) result.push(stack.pop()!.entry);
      else if (!done.has(next)) push(next);
    }
  };
  for (const entry of entries) visit(entry);
  return result;
}
