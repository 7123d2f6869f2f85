/**
 * The sum of the parts that a kernel leaves, for many invocations at once: a workgroup has four of them for an element.
 *
 * One invocation for each of 4,608 elements took an H200 12 us to add up 180 parts, 8 loads after 8 loads.
 *
 * @module
 */
import { sum_parts_shared } from "../../../kernels/graphics/mod.ts";
import type { DeviceTraits, VariantCall } from "../../ir/lowering.ts";
import { linearGrid } from "../kernel_grid.ts";

/** Elements of a workgroup, of 64 invocations. */
const SUMMED = 16;

/** As many parts one invocation loads at once: of no more, four are no faster. */
const AT_ONCE = 8;

/**
 * How the parts of a result are added up: `kernels/graphics/sum_parts_shared.wgsl`.
 *
 * @param sum Elements of the result, and how many arrays of that size there are
 * @param traits What is known of the adapter
 * @returns What comes after the kernel; nothing where the usual sum is as fast
 */
export function sumShared(
  { size, parts }: { readonly size: number; readonly parts: number },
  traits: DeviceTraits,
): Pick<VariantCall, "join"> {
  if (parts <= AT_ONCE) return {};
  const grid = linearGrid(size, traits, SUMMED);
  return {
    join: {
      kernel: "sum_parts_shared",
      code: sum_parts_shared,
      overrides: { size, parts, groups_x: grid.overrides.groups_x },
      workgroups: grid.workgroups,
    },
  };
}
