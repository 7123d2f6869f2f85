/**
 * What a plan takes of a device's memory, refused before anything of it is allocated.
 *
 * @module
 */
import { DeviceMemoryError, formatBytes } from "../gpu/buffers.ts";
import type { Arena, NamedPlan, Resources } from "./loaded_plan.ts";
import { bytesOf } from "./plan.ts";

/**
 * Checks that a plan fits the byte budget, and each of its buffers what the adapter binds at once.
 * Software adapters never report that memory ran out, and drivers say it late and badly.
 *
 * @param named The plan, and the name of the program for errors.
 * @param resources The device and its memory.
 * @param arena Temporary memory that is there already.
 * @throws {DeviceMemoryError} With the plan's sizes.
 */
export function checkPlanMemory(
  { plan, name }: NamedPlan,
  { gpu, buffers }: Resources,
  arena: Arena,
): void {
  const literals = plan.literals.map(bytesOf);
  const temporaries = arena.missing(plan.slots);
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const largest = [...plan.slots, ...plan.inputs, ...plan.outputs, ...literals]
    .reduce((most, size) => Math.max(most, size), 0);
  const advice = "Use smaller batches, images or models, or fewer inner steps";
  const limit = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);
  if (largest > limit) {
    throw new DeviceMemoryError(
      `Cannot load "${name}": its largest array takes ${formatBytes(largest)}; ${gpu.info.label} ` +
        `binds at most ${formatBytes(limit)} at once. ${advice}.`,
    );
  }
  const total = sum(temporaries) + sum(literals) + sum(plan.outputs);
  const { liveBytes } = buffers.stats;
  if (liveBytes + total <= buffers.byteBudget) return;
  throw new DeviceMemoryError(
    `Cannot load "${name}": it takes ${formatBytes(total)} (temporaries ` +
      `${formatBytes(sum(temporaries))} in ${temporaries.length} buffers, results ` +
      `${formatBytes(sum(plan.outputs))}, constants ${formatBytes(sum(literals))}; the largest ` +
      `array ${formatBytes(largest)}) beside ${formatBytes(liveBytes)} in use; the budget is ` +
      `${formatBytes(buffers.byteBudget)}. ${advice}, or raise the byte budget (--memory).`,
  );
}
