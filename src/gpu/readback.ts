/**
 * Moving data between the program and the device.
 *
 * @module
 */

import { type Gpu, GpuError } from "./device.ts";

/** A part of a device buffer to read. */
export interface ReadRequest {
  /** The buffer to read. */
  readonly buffer: GPUBuffer;
  /** Number of bytes, a multiple of 4. */
  readonly bytes: number;
  /** First byte, a multiple of 4; 0 by default. */
  readonly offset?: number;
}

const FLUSH_BYTES = 1 << 20;

/** Milliseconds within which a device whose buffers cannot be mapped is told to be lost. */
const LOST_AFTER = 100;

/**
 * Reads many device buffers with one submit and one wait.
 *
 * A wait costs 10 ms at least in Deno, whatever its size: read everything together, and late.
 *
 * @param gpu The device
 * @param requests What to read
 * @param context What is being done, as an infinitive, for errors
 * @returns One `ArrayBuffer` for each request, in the same order
 * @throws {GpuError} When the device was lost or has reported an error
 */
export async function readBuffers(
  gpu: Gpu,
  requests: readonly ReadRequest[],
  context = "read from the device",
): Promise<ArrayBuffer[]> {
  gpu.check(context);
  const total = requests.reduce((sum, request) => sum + padded(request.bytes), 0);
  if (total === 0) return requests.map(() => new ArrayBuffer(0));
  const staging = gpu.device.createBuffer({
    label: "readback",
    size: total,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  try {
    const encoder = gpu.device.createCommandEncoder({ label: "readback" });
    let position = 0;
    for (const { buffer, bytes, offset = 0 } of requests) {
      if (bytes > 0) encoder.copyBufferToBuffer(buffer, offset, staging, position, bytes);
      position += padded(bytes);
    }
    gpu.queue.submit([encoder.finish()]);
    await mapForReading(gpu, staging, context);
    gpu.check(context);
    position = 0;
    const results = requests.map(({ bytes }) => {
      const copy = bytes === 0
        ? new ArrayBuffer(0)
        : staging.getMappedRange(position, bytes).slice(0);
      position += padded(bytes);
      return copy;
    });
    staging.unmap();
    return results;
  } finally {
    staging.destroy();
  }
}

/**
 * Writes data to the start of a device buffer.
 *
 * The data is copied before the function returns. Large uploads are flushed at once, because a
 * runtime keeps its copy until the next submit.
 *
 * @param gpu The device
 * @param buffer The buffer to write
 * @param data The values; their size in bytes must be a multiple of 4
 * @throws {RangeError} When the data is larger than the buffer or not a multiple of 4 bytes
 */
export function upload(gpu: Gpu, buffer: GPUBuffer, data: ArrayBufferView<ArrayBuffer>): void {
  if (data.byteLength > buffer.size || data.byteLength % 4 !== 0) {
    throw new RangeError(
      `Cannot upload to buffer "${buffer.label}": found ${data.byteLength} bytes, expected a ` +
        `multiple of 4 up to ${buffer.size}.`,
    );
  }
  if (data.byteLength === 0) return;
  gpu.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, data.byteLength);
  if (data.byteLength >= FLUSH_BYTES) gpu.queue.submit([]);
}

/** Mapped ranges must start at a multiple of 8. */
function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

async function mapForReading(gpu: Gpu, staging: GPUBuffer, context: string): Promise<void> {
  try {
    await gpu.answer(staging.mapAsync(GPUMapMode.READ), context);
  } catch (error) {
    // That the device is lost, which is the reason, may be told after this.
    await Promise.race([
      gpu.device.lost,
      new Promise((resolve) => setTimeout(resolve, LOST_AFTER)),
    ]);
    gpu.check(context);
    throw new GpuError(
      `Cannot ${context} on ${gpu.info.label}: the results could not be mapped ` +
        `(${error instanceof Error ? error.message : String(error)}). Open a new device.`,
      { cause: error },
    );
  }
}
