/**
 * Memory of a device in numbers and words, for who has not opened one yet.
 *
 * @module
 */

/** Thrown when a buffer would break the byte budget or a limit of the device. */
export class DeviceMemoryError extends Error {
  /** The name of the class. */
  override readonly name = "DeviceMemoryError";
}

/** Most bytes of a pool, unless told: WebGPU does not say how much memory an adapter has. */
export const DEFAULT_BUDGET: number = 4 * 2 ** 30;

/** A size in words: bytes, MiB or GiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 2 ** 20) return `${bytes} bytes`;
  if (bytes < 2 ** 30) return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${(bytes / 2 ** 30).toLocaleString("en-US", { maximumFractionDigits: 1 })} GiB`;
}
