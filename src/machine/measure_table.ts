/**
 * Measures which kernels are the fastest for shapes, and keeps what was found for later runs.
 *
 * @module
 */
import { adapterCosts } from "../adapter/adapter_costs.ts";
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import type { KernelTable } from "../adapter/kernel_table.ts";
import type { Gpu } from "../gpu/device.ts";
import { withKernelSets } from "../ops/variants/kernel_sets.ts";
import {
  type MeasuredShape,
  measureVariants,
  type MeasureVariantsOptions,
} from "../profile/measure_variants.ts";
import { type FindKernelsOptions, keepKernels, whyKernelsNotKept } from "./find_kernels.ts";
import type { Stored } from "./stored_file.ts";

/** How {@linkcode measureTable} goes about it. */
export interface MeasureTableOptions
  extends FindKernelsOptions, Required<Pick<MeasureVariantsOptions, "budget">> {
  /** The adapter's profile, which decides the rule's kernels. */
  readonly profile: AdapterProfile;
  /** Told before anything is measured why nothing of it will be kept; what it throws ends it. */
  readonly onUnkept: (why: string) => void;
  /** Receives every shape when it is measured. */
  readonly onShape?: (measured: MeasuredShape) => void;
}

/** What was measured. */
export interface MeasuredTable {
  /** The whole table and where it is; `undefined` if it is not kept. */
  readonly stored: Stored<KernelTable> | undefined;
  /** The shapes that were measured. */
  readonly measured: readonly MeasuredShape[];
  /** Those for which there was no time. */
  readonly left: readonly string[];
}

/**
 * Measures kernels and adds the fastest of each shape to the adapter's table as soon as it is known: the rule's too, so
 * that the shape is known. A shape whose kernel computes wrong numbers is not added. Whoever ends it early has what was
 * measured until then.
 *
 * @param gpu An open device of the adapter.
 * @param shapes The shapes, as tables have them.
 * @param options Time, profile, where the table is kept.
 * @returns The table, and what was measured now.
 * @throws {TypeError} If a shape is none.
 * @throws {GpuError} If the device was lost.
 * @throws {Error} If the file of the table cannot be read or written any more.
 */
export async function measureTable(
  gpu: Gpu,
  shapes: readonly string[],
  { profile, budget, onUnkept, onShape = () => {}, ...options }: MeasureTableOptions,
): Promise<MeasuredTable> {
  const { halfPrecision = false } = options;
  const why = await whyKernelsNotKept(gpu.device, options);
  if (why !== undefined) onUnkept(why);
  let stored: Stored<KernelTable> | undefined;
  const keep = async (...lines: (readonly [string, string])[]): Promise<void> => {
    if (why === undefined) stored = await keepKernels(gpu.device, new Map(lines), options);
  };
  const own = { ...gpu.traits, costs: adapterCosts(profile), halfPrecision };
  const traits = await withKernelSets(own, "all");
  const found = await measureVariants(gpu, shapes, {
    traits,
    budget,
    onShape: async (measured) => {
      const { shape, winner, rule, variants } = measured;
      const name = winner ?? rule;
      if (variants.some((one) => one.name === name && one.right)) await keep([shape, name]);
      onShape(measured);
    },
  });
  if (stored === undefined) await keep();
  return { stored, ...found };
}
