/**
 * Plans: flat lists of dispatches with memory assigned by liveness.
 *
 * @module
 */
import type { CompiledProgram, DispatchStep } from "./compile.ts";
import type { Storage } from "./storage.ts";

/** Where a binding's memory comes from. */
export interface Place {
  /** A temporary slot of the plan, a literal, or memory given for an input or output. */
  readonly kind: "slot" | "literal" | "input" | "output";
  /** Which one. */
  readonly index: number;
}

/** A dispatch with its memory placed. */
export interface PlannedDispatch extends Omit<DispatchStep, "kind" | "memory"> {
  /** Place of each binding. */
  readonly places: readonly Place[];
}

/** A program ready to be loaded on a device. */
export interface Plan {
  /** The dispatches in order. */
  readonly dispatches: readonly PlannedDispatch[];
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
  lastUse: number;
}

interface FlatDispatch {
  readonly step: DispatchStep;
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
 */
export function makePlan(compiled: CompiledProgram): Plan {
  const flat: FlatDispatch[] = [];
  const literals: Storage[] = [];
  const literalPlaces = new Map<Storage, Virtual>();
  const virtualOf = (own: Map<Storage, Virtual>, storage: Storage): Virtual => {
    if (storage.literal !== undefined) {
      let shared = literalPlaces.get(storage);
      if (!shared) {
        shared = { storage, place: { kind: "literal", index: literals.length }, lastUse: -1 };
        literals.push(storage);
        literalPlaces.set(storage, shared);
      }
      return shared;
    }
    let found = own.get(storage);
    if (!found) own.set(storage, found = { storage, place: undefined, lastUse: -1 });
    return found;
  };
  const expand = (program: CompiledProgram, own: Map<Storage, Virtual>): void => {
    for (const step of program.steps) {
      if (step.kind === "dispatch") {
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
    top.set(storage, { storage, place: { kind: "input", index }, lastUse: -1 });
  });
  expand(compiled, top);
  const copies: { from: Place; output: number }[] = [];
  compiled.outputs.forEach((storage, index) => {
    const virtual = virtualOf(top, storage);
    if (virtual.place) copies.push({ from: virtual.place, output: index });
    else virtual.place = { kind: "output", index };
  });
  const slots = assignSlots(flat);
  return {
    dispatches: flat.map(({ step, memory }) => ({
      label: step.label,
      kernel: step.kernel,
      overrides: step.overrides,
      workgroups: step.workgroups,
      flops: step.flops,
      places: memory.map((virtual) => virtual.place!),
    })),
    slots,
    literals,
    inputs: compiled.inputs.map(bytesOf),
    outputs: compiled.outputs.map(bytesOf),
    copies,
  };
}

/** Gives every temporary a slot; a slot is free again after the last use of what it held. */
function assignSlots(flat: readonly FlatDispatch[]): number[] {
  flat.forEach(({ memory }, position) => {
    for (const virtual of memory) virtual.lastUse = position;
  });
  const slots: number[] = [];
  const free: number[] = [];
  flat.forEach(({ memory }, position) => {
    for (const virtual of memory) {
      if (virtual.place) continue;
      virtual.place = { kind: "slot", index: takeSlot(slots, free, bytesOf(virtual.storage)) };
    }
    for (const virtual of new Set(memory)) {
      if (virtual.place!.kind === "slot" && virtual.lastUse === position) {
        free.push(virtual.place!.index);
      }
    }
  });
  return slots;
}

/** The best free slot for `bytes`: the smallest that is large enough, else the largest, grown. */
function takeSlot(slots: number[], free: number[], bytes: number): number {
  let best = -1;
  for (let k = 0; k < free.length; k++) {
    const size = slots[free[k]!]!;
    const current = best < 0 ? -1 : slots[free[best]!]!;
    const better = current < 0 ||
      (current >= bytes ? size >= bytes && size < current : size > current);
    if (better) best = k;
  }
  if (best < 0) return slots.push(bytes) - 1;
  const [slot] = free.splice(best, 1);
  slots[slot!] = Math.max(slots[slot!]!, bytes);
  return slot!;
}
