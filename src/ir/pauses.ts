/**
 * Pauses in long work on the host, so that signals are heard and timers fire.
 *
 * @module
 */

/** Milliseconds between two pauses. */
const EVERY = 200;

/**
 * Pauses in long work: what works for longer than 200 ms gives the event loop a turn.
 *
 * The turn is a timer, which costs 1 to 2.5 ms: Deno hears signals only where it has to wait. Messages and
 * `setImmediate` cost a twentieth of that, and a signal then waits for some sixty of them (Deno 2.9.6).
 *
 * @example
 * ```ts
 * import { Pauses } from "@mutasesumele/toolkit";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * function* countTo(last: number): Generator<void, number> {
 *   for (let k = 0; k < last; k++) yield;
 *   return last;
 * }
 * assertEquals(await new Pauses().work(countTo(1000)), 1000);
 *
 * const pauses = new Pauses(AbortSignal.abort());
 * await assertRejects(() => pauses.take(), DOMException, "aborted");
 * ```
 */
export class Pauses {
  /** Ends the work at a pause. */
  readonly signal: AbortSignal | undefined;
  #last = performance.now();

  /**
   * Pauses of one piece of work, which begins now.
   *
   * @param signal Ends the work at its next pause.
   */
  constructor(signal?: AbortSignal) {
    this.signal = signal;
  }

  /** Whether it is time for a pause: so that what need not wait does not. */
  get due(): boolean {
    return performance.now() - this.#last >= EVERY;
  }

  /**
   * Gives the event loop a turn.
   *
   * @throws {unknown} The reason of the signal, if it is aborted.
   */
  async take(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
    this.signal?.throwIfAborted();
  }

  /**
   * Works to the end, with pauses between steps.
   *
   * @param steps Yields between steps, and returns what they come to.
   * @throws {unknown} What a step throws, or the reason of the signal.
   */
  async work<T>(steps: Iterator<void, T>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (this.due) await this.take();
    }
  }
}
