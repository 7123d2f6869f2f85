/**
 * Keeping the memory of a long run flat where the runtime cannot see what its garbage weighs.
 *
 * @module
 */

/** Runs, or dispatches that were made ready, between two collections. */
const EVERY = 256;

/** About what V8 lets external memory grow before it collects everything; pages that nobody touches. */
const PRESSURE_BYTES = 64 * 2 ** 20;

/**
 * Makes the runtime collect its garbage now and then.
 *
 * Every submission leaves an encoder, a command buffer and perhaps bind groups behind: WebGPU has no way to
 * destroy them, the script engine sees a few hundred bytes of each, and the driver's part of them, some
 * kilobytes, stays until a full collection that a small heap does not call for (Deno 2.9.6: 3 to 10 KB a
 * step). So does the pipeline of a program that nobody uses any more (300 to 400 KB on llvmpipe). An array
 * buffer counts as external memory of its whole length, and the next one beside it calls for a collection.
 */
export class GarbagePressure {
  #left = EVERY;
  #held: ArrayBuffer | undefined;

  /** To be called at every submission, and with their number for dispatches that were made ready. */
  tick(count = 1): void {
    if ((this.#left -= count) > 0) return;
    this.#left = EVERY;
    try {
      this.#held = new ArrayBuffer(PRESSURE_BYTES);
    } catch {
      // No address space left for it: then there is pressure enough.
    }
  }
}
