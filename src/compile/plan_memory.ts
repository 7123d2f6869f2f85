/**
 * What a plan takes of a device's memory, looked at before anything of it is allocated.
 *
 * @module
 */
import { formatBytes } from "../gpu/device_memory.ts";
import type { Arena, Resources } from "./loaded_plan.ts";
import { bytesOf, type Plan } from "./plan.ts";

/** What a plan takes too much of. */
export interface MemoryLack {
  /** What was found and what is allowed, after the name of the program. */
  readonly found: string;
  /** Which array is too large to be bound, if it is one that cannot be computed in parts. */
  readonly whole?: { readonly kind: "argument" | "result" | "constant"; readonly index: number };
  /** The way out, beside smaller arrays. */
  readonly wayOut: string;
  /**
   * Most bytes of a temporary with which the plan may fit; absent where it is not the temporaries that are too
   * large.
   */
  readonly limit?: number;
}

/**
 * Compares a plan with the byte budget, and each of its buffers with what the adapter binds at once.
 * Software adapters never report that memory ran out, and drivers say it late and badly.
 *
 * @param plan The plan.
 * @param resources The device and its memory.
 * @param options Temporary memory that is there already, and the most bytes of one binding.
 * @returns What it lacks; `undefined` if it fits.
 */
export function lackOfMemory(
  plan: Plan,
  { gpu, buffers }: Pick<Resources, "gpu" | "buffers">,
  { arena, binding }: { readonly arena: Arena; readonly binding: number },
): MemoryLack | undefined {
  const literals = plan.literals.map(bytesOf);
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const most = (sizes: readonly number[]): number => sizes.reduce((a, b) => Math.max(a, b), 0);
  const fixed = most([...plan.inputs, ...plan.outputs, ...literals]);
  const whole = (): NonNullable<MemoryLack["whole"]> => {
    const of = { argument: plan.inputs, result: plan.outputs, constant: literals };
    for (const kind of ["argument", "result"] as const) {
      const index = of[kind].indexOf(fixed);
      if (index >= 0) return { kind, index };
    }
    return { kind: "constant", index: literals.indexOf(fixed) };
  };
  const temporary = most(plan.slots);
  const largest = Math.max(fixed, temporary);
  if (largest > binding) {
    return {
      found: `its largest array takes ${formatBytes(fixed > binding ? fixed : temporary)}; ` +
        `${gpu.info.label} binds at most ${formatBytes(binding)} at once`,
      wayOut: "",
      ...(fixed <= binding ? { limit: binding } : { whole: whole() }),
    };
  }
  const temporaries = arena.missing(plan.slots);
  const others = sum(literals) + sum(plan.outputs);
  const total = sum(temporaries) + others;
  const { liveBytes } = buffers.stats;
  if (liveBytes + total <= buffers.byteBudget) return undefined;
  return {
    found: `it takes ${formatBytes(total)} (temporaries ${formatBytes(sum(temporaries))} in ` +
      `${temporaries.length} buffers, results ${formatBytes(sum(plan.outputs))}, constants ` +
      `${formatBytes(sum(literals))}; the largest array ${formatBytes(largest)}) beside ` +
      `${formatBytes(liveBytes)} in use; the budget is ${formatBytes(buffers.byteBudget)}`,
    wayOut: ", or raise the byte budget (--memory)",
    ...(liveBytes + others < buffers.byteBudget && { limit: Math.floor(temporary / 2) }),
  };
}
