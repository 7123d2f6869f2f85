/**
 * Which shapes a program has that several kernels can compute.
 *
 * @module
 */
import type { KernelTable } from "../adapter/kernel_table.ts";
import type { DeviceTraits } from "../ir/lowering.ts";

/**
 * Makes a choice of kernels that tells what it is asked.
 *
 * @param onShape Told every shape for which there are several kernels, as tables have it, each time.
 * @param kernels The table that chooses; where it says nothing, the rule does.
 * @returns For the traits of a device.
 */
export function askedShapes(
  onShape: (shape: string) => void,
  kernels: KernelTable = {},
): NonNullable<DeviceTraits["chooseKernel"]> {
  return (shape, names) => {
    if (names.length > 1) onShape(shape);
    return kernels[shape];
  };
}
