/**
 * Small independent dispatches, put together: the updates of all parameters of a network, say.
 *
 * @module
 */
import type { DeviceTraits } from "../ir/lowering.ts";
import type { CallStep, DispatchStep, HostCallStep } from "./compile.ts";
import { bindingsOf, groupsOf, packKernels } from "./kernel_pack.ts";
import { type KernelPart, WORKGROUP } from "./kernel_source.ts";
import type { Storage } from "./storage.ts";

/** Work of a program in order. */
type Step = DispatchStep | HostCallStep | CallStep;

/** A dispatch that may be put together with others. */
type PartStep = DispatchStep & { readonly part: KernelPart<Storage> };

/** Steps that run in the place of one of them. */
interface Pack {
  /** The place. */
  readonly at: number;
  /** They, in order. */
  steps: readonly PartStep[];
}

/** Elements that one invocation computes at once, at most. */
const ELEMENTS = 4;

/** Most lines of a pack: what the compilers of drivers take for it grows faster than its length. */
const MOST_LINES = 100;

/** Most lines that are compiled once more, as they are in another kernel, too, for one dispatch less. */
const MOST_REPEATED = 14;

/** Packs that are tried before a step stays where it is. */
const TRIED = 32;

/**
 * Puts dispatches together that are small and do not need each other. One moves to a later place if nothing before that
 * needs it.
 *
 * @param steps The steps of a program, in order.
 * @param traits The adapter.
 * @returns The steps in order; some compute what several did.
 */
export function packSteps(steps: readonly Step[], traits: DeviceTraits): Step[] {
  const copies = new Map<string, number>();
  for (const step of steps) {
    if (isPart(step)) copies.set(step.kernel.code, (copies.get(step.kernel.code) ?? 0) + 1);
  }
  const repeated = (step: PartStep): number =>
    copies.get(step.kernel.code)! > 1 ? linesOf(step.part) : 0;
  /** The first place that reads a storage. */
  const read = new Map<Storage, number>();
  const packs = new Map<number, Pack>();
  for (let at = steps.length - 1; at >= 0; at--) {
    const step = steps[at]!;
    const { reads, writes } = storagesOf(step);
    let place = at;
    if (isPart(step)) {
      const before = Math.min(...writes.map((storage) => read.get(storage) ?? Infinity));
      const pack = later(packs, step, { before, traits, repeated });
      if (pack) {
        pack.steps = [step, ...pack.steps];
        place = pack.at;
      } else packs.set(at, { at, steps: [step] });
    }
    for (const storage of reads) read.set(storage, Math.min(place, read.get(storage) ?? Infinity));
  }
  const moved = new Set<Step>([...packs.values()].flatMap(({ steps }) => steps));
  return steps.flatMap((step, at) => {
    const pack = packs.get(at);
    if (pack) return [joined(pack.steps, traits)];
    return moved.has(step) ? [] : [step];
  });
}

/** The next pack before `before` that a step may join. */
function later(
  packs: ReadonlyMap<number, Pack>,
  step: PartStep,
  { before, traits, repeated }: {
    before: number;
    traits: DeviceTraits;
    repeated: (step: PartStep) => number;
  },
): Pack | undefined {
  // The last that was made is the nearest.
  for (const pack of [...packs.values()].slice(-TRIED).reverse()) {
    if (pack.at >= before) return undefined;
    const more = repeated(step) + (pack.steps.length === 1 ? repeated(pack.steps[0]!) : 0);
    if (more <= MOST_REPEATED && isWorthIt(step, pack.steps, traits)) return pack;
  }
  return undefined;
}

/** Whether a step is computed faster with others than alone. */
function isWorthIt(
  step: PartStep,
  others: readonly PartStep[],
  { costs, maxWorkgroupsPerDimension, maxStorageBuffers }: DeviceTraits,
): boolean {
  const parts = [step, ...others].map(({ part }) => part);
  const idle = idleLines(parts) - idleLines(parts.slice(1));
  return sumOf(parts.map(linesOf)) <= MOST_LINES && idle * WORKGROUP * ELEMENTS < costs.dispatch &&
    sumOf(parts.map(groupsOf)) <= maxWorkgroupsPerDimension &&
    bindingsOf(parts).length <= maxStorageBuffers;
}

/** Lines of other parts that all workgroups pass: where invocations are lanes, those take as long as their own. */
function idleLines(parts: readonly KernelPart<Storage>[]): number {
  const lines = sumOf(parts.map(linesOf));
  return sumOf(parts.map((part) => groupsOf(part) * (lines - linesOf(part))));
}

/** Lines of a part, where drivers have unrolled its loops and put its functions in place of their calls. */
function linesOf({ body, helpers }: KernelPart<Storage>): number {
  const turns = /r < (\d+)u;/.exec(body.join("\n"))?.[1] ?? "1";
  const called = [...helpers.values()].map((text) => text.split("\n").length);
  return (body.length + sumOf(called)) * Number(turns);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function joined(steps: readonly PartStep[], traits: DeviceTraits): Step {
  if (steps.length === 1) return steps[0]!;
  const { code, sizes, memory, writes, workgroups } = packKernels(
    steps.map(({ part }) => part),
    traits,
  );
  return {
    kind: "dispatch",
    label: labelOf(steps),
    kernel: { code },
    overrides: sizes,
    memory,
    writes,
    workgroups,
    flops: sumOf(steps.map(({ flops }) => flops)),
  };
}

/** What they compute, each name once. */
function labelOf(steps: readonly PartStep[]): string {
  const counts = new Map<string, number>();
  for (const { label } of steps) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => count === 1 ? label : `${count} times ${label}`)
    .join(", ");
}

function isPart(step: Step): step is PartStep {
  return step.kind === "dispatch" && step.part !== undefined;
}

/** What a step reads and writes. */
function storagesOf(step: Step): { reads: readonly Storage[]; writes: readonly Storage[] } {
  if (step.kind === "call") return { reads: step.inputs, writes: step.outputs };
  const { memory, writes } = step;
  return {
    reads: memory.filter((_, k) => !writes[k]),
    writes: memory.filter((_, k) => writes[k]),
  };
}
