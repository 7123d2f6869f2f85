/**
 * Device memory with an owner: every buffer is counted, budgeted, recycled and destroyed.
 *
 * @module
 */

import type { Gpu } from "./device.ts";
import { DEFAULT_BUDGET, DeviceMemoryError, formatBytes } from "./device_memory.ts";

export { DeviceMemoryError };

/** Options of a {@linkcode BufferPool}. */
export interface BufferPoolOptions {
  /** Most bytes to hold at once, live and pooled together; 4 GiB by default. */
  readonly byteBudget?: number;
}

/** How many bytes a {@linkcode BufferPool} holds. */
export interface BufferPoolStats {
  /** Bytes of acquired buffers. */
  readonly liveBytes: number;
  /** Bytes of released buffers that wait for their next use. */
  readonly pooledBytes: number;
  /** Most bytes held at once, live and pooled, since the start or the last `resetPeak`. */
  readonly peakBytes: number;
  /** Number of acquired buffers. */
  readonly liveBuffers: number;
  /** Number of buffers ever created. */
  readonly createdBuffers: number;
}

/** Sizes are rounded up to this many bytes, so that more buffers can be recycled. */
const GRANULARITY = 256;

/**
 * A pool of storage buffers, all usable as copy source and destination, recycled by size.
 *
 * An acquired buffer may hold stale values: who acquires must write before reading. Software
 * adapters never report that memory ran out, so the budget is checked before allocation.
 */
export class BufferPool {
  readonly #gpu: Gpu;
  readonly #budget: number;
  readonly #recycled = new Map<number, GPUBuffer[]>();
  /** Who holds the live buffers: how many here, and how many elsewhere. */
  readonly #live = new Map<GPUBuffer, { here: number; elsewhere: number }>();
  /** How buffers that belong to others are given back. */
  readonly #foreign = new Map<GPUBuffer, () => void>();
  #liveBytes = 0;
  #pooledBytes = 0;
  #peakBytes = 0;
  #created = 0;
  #destroyed = false;

  /**
   * Makes an empty pool.
   *
   * @param gpu The device to allocate on
   * @param options The byte budget
   */
  constructor(gpu: Gpu, options: BufferPoolOptions = {}) {
    this.#gpu = gpu;
    this.#budget = options.byteBudget ?? DEFAULT_BUDGET;
    if (!(this.#budget > 0)) {
      throw new RangeError(
        `Cannot make a buffer pool: found a budget of ${this.#budget} bytes, expected more than 0.`,
      );
    }
  }

  /** Most bytes this pool may hold. */
  get byteBudget(): number {
    return this.#budget;
  }

  /** How many bytes are held now and were held at the peak. */
  get stats(): BufferPoolStats {
    return {
      liveBytes: this.#liveBytes,
      pooledBytes: this.#pooledBytes,
      peakBytes: this.#peakBytes,
      liveBuffers: this.#live.size,
      createdBuffers: this.#created,
    };
  }

  /** Starts a new measurement of the peak. */
  resetPeak(): void {
    this.#peakBytes = this.#liveBytes + this.#pooledBytes;
  }

  /**
   * Takes a buffer of at least `bytes` bytes out of the pool, or creates one.
   *
   * @param bytes Wanted size; rounded up to a multiple of 256
   * @param label Name of the buffer in error messages
   * @returns The buffer, whose contents are undefined
   * @throws {DeviceMemoryError} When a limit of the device or the budget would be broken
   */
  acquire(bytes: number, label = "buffer"): GPUBuffer {
    if (this.#destroyed) {
      throw new Error(
        `Cannot acquire ${label}: the buffer pool is destroyed, expected a living one. ` +
          `Open a new device.`,
      );
    }
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(
        `Cannot acquire ${label}: found a size of ${bytes} bytes, expected a natural number.`,
      );
    }
    const size = Math.max(GRANULARITY, Math.ceil(bytes / GRANULARITY) * GRANULARITY);
    this.#checkLimits(bytes, label);
    const recycled = this.#recycled.get(size)?.pop();
    if (recycled !== undefined) {
      this.#pooledBytes -= size;
      this.#liveBytes += size;
      this.#live.set(recycled, { here: 1, elsewhere: 0 });
      return recycled;
    }
    if (this.#liveBytes + this.#pooledBytes + size > this.#budget) this.trim();
    if (this.#liveBytes + size > this.#budget) {
      throw new DeviceMemoryError(
        `Cannot acquire ${label} of ${formatBytes(size)}: ${formatBytes(this.#liveBytes)} of the ` +
          `budget of ${formatBytes(this.#budget)} are in use. ` +
          `Use smaller batches or images, or raise the byte budget.`,
      );
    }
    const buffer = this.#gpu.device.createBuffer({
      label,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    this.#created++;
    this.#liveBytes += size;
    this.#live.set(buffer, { here: 1, elsewhere: 0 });
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes + this.#pooledBytes);
    return buffer;
  }

  /**
   * Takes in a buffer that belongs to someone else; it is not counted.
   *
   * @param buffer A storage buffer that can be copied from and to, and is not live here
   * @param giveBack Called once nobody holds the buffer any more
   */
  adopt(buffer: GPUBuffer, giveBack: () => void): void {
    this.#live.set(buffer, { here: 1, elsewhere: 0 });
    this.#foreign.set(buffer, giveBack);
  }

  /** Whether a buffer is live in this pool. */
  has(buffer: GPUBuffer): boolean {
    return this.#live.has(buffer);
  }

  /**
   * Adds a holder: the buffer is to be released once more.
   *
   * @param buffer A live buffer
   */
  retain(buffer: GPUBuffer): void {
    this.#requireLive(buffer, "retain").here++;
  }

  /**
   * Lets another library hold a buffer, which then outlives its release here, and the pool.
   *
   * @param buffer A live buffer
   * @returns To be called when the other library is done with it
   */
  lend(buffer: GPUBuffer): () => void {
    const holders = this.#requireLive(buffer, "lend");
    holders.elsewhere++;
    return () => {
      holders.elsewhere--;
      if (holders.here + holders.elsewhere === 0) this.#free(buffer);
    };
  }

  /**
   * Gives a buffer back, to be recycled by a later `acquire` when it has no other holder.
   *
   * Work that was submitted before may still use it: a queue keeps its order.
   *
   * @param buffer A buffer that `acquire` returned
   * @throws {Error} When the buffer is not a live one of this pool
   */
  release(buffer: GPUBuffer): void {
    if (this.#destroyed) return;
    const holders = this.#requireLive(buffer, "release");
    if (holders.here === 0) throw notLive(buffer, "release");
    holders.here--;
    if (holders.here + holders.elsewhere === 0) this.#free(buffer);
  }

  #requireLive(buffer: GPUBuffer, what: string): { here: number; elsewhere: number } {
    const holders = this.#live.get(buffer);
    if (!holders) throw notLive(buffer, what);
    return holders;
  }

  /** What becomes of a buffer that nobody holds any more. */
  #free(buffer: GPUBuffer): void {
    this.#live.delete(buffer);
    const giveBack = this.#foreign.get(buffer);
    if (giveBack) {
      this.#foreign.delete(buffer);
      giveBack();
      return;
    }
    this.#liveBytes -= buffer.size;
    if (this.#destroyed) {
      buffer.destroy();
      return;
    }
    this.#pooledBytes += buffer.size;
    const list = this.#recycled.get(buffer.size);
    if (list === undefined) this.#recycled.set(buffer.size, [buffer]);
    else list.push(buffer);
  }

  /** Destroys the released buffers; live ones stay. */
  trim(): void {
    for (const list of this.#recycled.values()) for (const buffer of list) buffer.destroy();
    this.#recycled.clear();
    this.#pooledBytes = 0;
  }

  /** Destroys all buffers but lent ones, which go when they come back; twice does no harm. */
  destroy(): void {
    if (this.#destroyed) return;
    this.trim();
    this.#destroyed = true;
    for (const [buffer, holders] of [...this.#live]) {
      holders.here = 0;
      if (holders.elsewhere === 0) this.#free(buffer);
    }
  }

  #checkLimits(bytes: number, label: string): void {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#gpu.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (bytes <= limit) return;
    throw new DeviceMemoryError(
      `Cannot acquire ${label} of ${formatBytes(bytes)}: ${this.#gpu.info.label} binds at most ` +
        `${formatBytes(limit)} at once. Use smaller batches or images, or split the tensor.`,
    );
  }
}

function notLive(buffer: GPUBuffer, what: string): Error {
  return new Error(
    `Cannot ${what} buffer "${buffer.label}": found one that is not live in this pool, ` +
      `expected one that was acquired and not yet released. Release each buffer once.`,
  );
}
