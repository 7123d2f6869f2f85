/**
 * Plans: flat lists of dispatches with memory assigned by liveness.
 *
 * @module
 */
import { checkPlan, type Use } from "./check_plan.ts";
import type { CompiledProgram, DispatchStep, HostCallStep } from "./compile.ts";
import type { Storage } from "./storage.ts";

/** Where a binding's memory comes from. */
export interface Place {
  /** A temporary slot of the plan, a literal, or memory given for an input or output. */
  readonly kind: "slot" | "literal" | "input" | "output";
  /** Which one. */
  readonly index: number;
}

/** A dispatch with its memory placed. */
export interface PlannedDispatch extends Omit<DispatchStep, "kind" | "memory" | "writes" | "part"> {
  /** Place of each binding. */
  readonly places: readonly Place[];
  /** Bytes of all bindings: what is read and written if everything is touched once. */
  readonly bytes: number;
}

/** A step on the host with its memory placed. */
export interface PlannedHostStep extends Pick<HostCallStep, "label" | "load"> {
  /** How many of the plan's dispatches are submitted before it. */
  readonly after: number;
  /** Place of each operand. */
  readonly operands: readonly Place[];
  /** Place of each result. */
  readonly results: readonly Place[];
}

/** A program ready to be loaded on a device. */
export interface Plan {
  /** The dispatches in order. */
  readonly dispatches: readonly PlannedDispatch[];
  /** The steps on the host in order. */
  readonly hostSteps: readonly PlannedHostStep[];
  /** Bytes of each temporary slot. */
  readonly slots: readonly number[];
  /** Literal arrays to upload once. */
  readonly literals: readonly Storage[];
  /** Bytes of each input. */
  readonly inputs: readonly number[];
  /** Bytes of each output. */
  readonly outputs: readonly number[];
  /** Outputs that no kernel writes: they are copied from these places after the dispatches. */
  readonly copies: readonly { readonly from: Place; readonly output: number }[];
}

/** A storage in one particular call: what memory is assigned to. */
interface Virtual {
  readonly storage: Storage;
  place: Place | undefined;
}

interface FlatStep {
  readonly step: DispatchStep | HostCallStep;
  readonly memory: readonly Virtual[];
}

/** Bytes of a storage; bindings are at least 16 bytes and whole vectors. */
export function bytesOf(storage: Storage): number {
  return Math.max(16, Math.ceil(storage.size / 4) * 16);
}

/**
 * Places all memory of a compiled program.
 *
 * @param compiled The program.
 * @returns The plan; temporaries that are not alive at the same time share slots.
 * @throws {Error} If the plan would read anything before it is written: a fault of the compiler.
 */
export function makePlan(compiled: CompiledProgram): Plan {
  const flat: FlatStep[] = [];
  const literals: Storage[] = [];
  const literalPlaces = new Map<Storage, Virtual>();
  const virtualOf = (own: Map<Storage, Virtual>, storage: Storage): Virtual => {
    if (storage.literal !== undefined) {
      let shared = literalPlaces.get(storage);
      if (!shared) {
        shared = { storage, place: { kind: "literal", index: literals.length } };
        literals.push(storage);
        literalPlaces.set(storage, shared);
      }
      return shared;
    }
    let found = own.get(storage);
    if (!found) own.set(storage, found = { storage, place: undefined });
    return found;
  };
  const expand = (program: CompiledProgram, own: Map<Storage, Virtual>): void => {
    for (const step of program.steps) {
      if (step.kind !== "call") {
        flat.push({ step, memory: step.memory.map((storage) => virtualOf(own, storage)) });
        continue;
      }
      const inside = new Map<Storage, Virtual>();
      step.program.inputs.forEach((storage, k) => {
        inside.set(storage, virtualOf(own, step.inputs[k]!));
      });
      expand(step.program, inside);
      step.program.outputs.forEach((storage, k) => {
        own.set(step.outputs[k]!, virtualOf(inside, storage));
      });
    }
  };
  const top = new Map<Storage, Virtual>();
  compiled.inputs.forEach((storage, index) => {
    top.set(storage, { storage, place: { kind: "input", index } });
  });
  expand(compiled, top);
  const copies: { from: Place; output: number }[] = [];
  const results = compiled.outputs.map((storage, index) => {
    const virtual = virtualOf(top, storage);
    if (virtual.place) copies.push({ from: virtual.place, output: index });
    else virtual.place = { kind: "output", index };
    return virtual;
  });
  const slots = assignSlots(flat);
  checkPlan({
    given: [...compiled.inputs.map((storage) => top.get(storage)!), ...literalPlaces.values()]
      .map(contentOf),
    steps: flat.map(({ step, memory }) => ({
      label: step.label,
      uses: memory.map((virtual, k): Use => ({ ...contentOf(virtual), writes: step.writes[k]! }))
        .filter((_, k) => step.kind !== "host" || memory[k]!.storage.size > 0),
    })),
    // What has no elements is never written.
    results: results.filter(({ storage }) => storage.size > 0).map(contentOf),
  });
  const dispatches: PlannedDispatch[] = [];
  const hostSteps: PlannedHostStep[] = [];
  for (const { step, memory } of flat) {
    const places = memory.map((virtual) => virtual.place!);
    if (step.kind === "host") {
      hostSteps.push({
        label: step.label,
        load: step.load,
        after: dispatches.length,
        operands: places.filter((_, k) => !step.writes[k]),
        results: places.filter((_, k) => step.writes[k]),
      });
      continue;
    }
    dispatches.push({
      label: step.label,
      kernel: step.kernel,
      overrides: step.overrides,
      workgroups: step.workgroups,
      flops: step.flops,
      places,
      bytes: memory.reduce((sum, { storage }) => sum + bytesOf(storage), 0),
    });
  }
  return {
    dispatches,
    hostSteps,
    slots,
    literals,
    inputs: compiled.inputs.map(bytesOf),
    outputs: compiled.outputs.map(bytesOf),
    copies,
  };
}

/** A virtual storage and its memory, for the checker. */
function contentOf(virtual: Virtual): Omit<Use, "writes"> {
  const { kind, index } = virtual.place!;
  return { content: virtual, place: `${kind} ${index}` };
}

/**
 * Gives every temporary a slot that nothing else uses during its life. Larger temporaries choose
 * first, so that smaller ones fill the gaps (greedy by size, Pisarchyk and Lee, arXiv 2001.03288).
 */
function assignSlots(flat: readonly FlatStep[]): number[] {
  const lives = new Map<Virtual, { first: number; last: number }>();
  flat.forEach(({ memory }, position) => {
    for (const virtual of memory) {
      if (virtual.place) continue;
      const life = lives.get(virtual);
      if (life) life.last = position;
      else lives.set(virtual, { first: position, last: position });
    }
  });
  const slots: { bytes: number; taken: { first: number; last: number }[] }[] = [];
  const bySize = [...lives].sort(([a], [b]) => bytesOf(b.storage) - bytesOf(a.storage));
  for (const [virtual, life] of bySize) {
    const bytes = bytesOf(virtual.storage);
    let index = slots.findIndex(({ taken }) =>
      taken.every(({ first, last }) => last < life.first || first > life.last)
    );
    if (index < 0) index = slots.push({ bytes, taken: [] }) - 1;
    slots[index]!.taken.push(life);
    virtual.place = { kind: "slot", index };
  }
  return slots.map(({ bytes }) => bytes);
}
