/**
 * The grid of workgroups of an own kernel, with the check that ours do without.
 *
 * @module
 */
import { count, type Kind, natural, objectWith, optional } from "../ir/kinds.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { requireArguments } from "../ir/options.ts";
import { type LinearGrid, linearGrid as layOut } from "../ops/kernel_grid.ts";

const traitsKind: Kind = /* @__PURE__ */ objectWith({ maxWorkgroupsPerDimension: count });

/**
 * Lays a number of invocations out in workgroups, in rows when one row would be too long.
 *
 * @param invocations Number of invocations wanted; the grid may have more
 * @param traits What is known of the adapter
 * @param workgroup Invocations of a workgroup, 64 unless told
 * @returns The grid
 * @throws {RangeError} When the grid would have too many rows
 * @throws {TypeError} When an argument is of another kind
 *
 * @example
 * ```ts
 * import { adapterCosts, builtInProfile } from "@mutasesumele/toolkit";
 * import { type DeviceTraits, linearGrid } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const traits: DeviceTraits = {
 *   costs: adapterCosts(builtInProfile("discrete")),
 *   ...{ subgroupLanes: 32, maxWorkgroupInvocations: 256 },
 *   ...{ maxWorkgroupStorage: 16384, maxWorkgroupsPerDimension: 100 },
 *   ...{ maxUniformBinding: 65536, maxStorageBinding: 2 ** 27, maxStorageBuffers: 8 },
 * };
 * const { workgroups: [columns, rows], overrides } = linearGrid(1e5, traits);
 * assert(columns! <= 100 && columns! * rows! * overrides.WORKGROUP >= 1e5);
 * ```
 */
export function linearGrid(
  invocations: number,
  traits: DeviceTraits,
  workgroup?: number,
): LinearGrid {
  requireArguments("linearGrid", { invocations, traits, workgroup }, {
    invocations: natural,
    traits: traitsKind,
    workgroup: optional(count),
  });
  return layOut(invocations, traits, workgroup);
}
