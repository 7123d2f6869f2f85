/**
 * Errors of a device in the words of the task that they end.
 *
 * @module
 */
import { DeviceMemoryError, formatBytes } from "../gpu/device_memory.ts";
import { GpuError } from "../gpu/device.ts";
import type { Engine } from "./engine.ts";

/**
 * Puts an error of the device (lost, out of memory, a driver's error) into the words of a larger task.
 *
 * @param engine The engine, for the bytes it holds.
 * @param error The error.
 * @param task What has failed, as the beginning of a sentence.
 * @returns An error that names both, with the first as its cause; other errors as they are.
 */
export function explainDeviceError(engine: Engine, error: unknown, task: string): unknown {
  if (!(error instanceof GpuError || error instanceof DeviceMemoryError)) return error;
  const { live, peak } = engine.memory();
  return new Error(
    `${task}: ${error.message} The engine held ${formatBytes(live)}, ${formatBytes(peak)} at most.`,
    { cause: error },
  );
}
