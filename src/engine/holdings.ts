/**
 * What an engine holds for values: where they came from, and what becomes of those that nobody uses.
 *
 * @module
 */
import { sizeOf } from "../ir/aval.ts";
import type { Hold, Value } from "./value.ts";

/** Arrays of one origin that an engine holds. */
export interface Holder {
  /** The function whose results they are, or `put`. */
  readonly source: string;
  /** Number of arrays. */
  readonly values: number;
  /** Their bytes on the device, without padding. */
  readonly bytes: number;
}

/** Bytes of values below which nobody looks for unused ones. */
const LEAST_BYTES = 64 * 2 ** 20;

/** By how much values grow until the next search. */
const GROWTH = 1.5;

/** About what V8 lets external memory grow before it collects everything; pages that nobody touches. */
const PRESSURE_BYTES = 128 * 2 ** 20;

/** Turns of the event loop that a search takes at most: one for the collection, more for its reports. */
const MOST_TURNS = 4;

/** Results of so many runs of one function that are still in use look like a leak. */
const MANY_RUNS = 100;

interface Source {
  values: number;
  bytes: number;
  perRun: number;
  warned: boolean;
}

interface Lost {
  readonly hold: Hold;
  readonly source: string;
  readonly bytes: number;
}

/**
 * The values of an engine that are not released yet.
 *
 * The script engine sees a hundred bytes of a value, never the megabytes on the device: it has no reason
 * to collect values that nobody refers to. When they have grown by half, a search makes it collect them, and
 * their arrays are freed; a loop that drops its old results stays flat without releasing any.
 */
export class Holdings {
  readonly #free: (handle: unknown) => void;
  readonly #onLeak: (line: string) => void;
  readonly #sources = new Map<string, Source>();
  readonly #lost: FinalizationRegistry<Lost>;
  readonly #known = new WeakMap<Hold, Lost>();
  #bytes = 0;
  #mark = LEAST_BYTES;

  /**
   * Holds nothing yet.
   *
   * @param free Frees an array.
   * @param onLeak Receives one line when results of many runs of one function stay in use.
   */
  constructor(free: (handle: unknown) => void, onLeak: (line: string) => void) {
    this.#free = free;
    this.#onLeak = onLeak;
    this.#lost = new FinalizationRegistry((lost) => {
      const { handle } = lost.hold;
      if (handle === undefined) return;
      this.#forget(lost);
      this.#free(handle);
    });
  }

  /**
   * Notes new values.
   *
   * @param source Where they come from.
   * @param values The values of one run, or of one `put`.
   */
  add(source: string, values: readonly Value[]): void {
    let entry = this.#sources.get(source);
    if (!entry) {
      entry = { values: 0, bytes: 0, perRun: 1, warned: false };
      this.#sources.set(source, entry);
    }
    entry.perRun = Math.max(1, values.length);
    for (const value of values) {
      const lost = { hold: value.hold, source, bytes: 4 * sizeOf(value.shape) };
      entry.values++;
      entry.bytes += lost.bytes;
      this.#bytes += lost.bytes;
      this.#known.set(value.hold, lost);
      this.#lost.register(value, lost, value.hold);
    }
  }

  /** Frees the array of a value; a second time does nothing. */
  release({ hold }: Value): void {
    const { handle } = hold;
    if (handle === undefined) return;
    const lost = this.#known.get(hold);
    if (lost) {
      this.#lost.unregister(hold);
      this.#forget(lost);
    }
    hold.handle = undefined;
    this.#free(handle);
  }

  #forget({ hold, source, bytes }: Lost): void {
    this.#known.delete(hold);
    const entry = this.#sources.get(source)!;
    entry.values--;
    entry.bytes -= bytes;
    this.#bytes -= bytes;
  }

  /** Whether values have grown so much that it is worth while to look for unused ones. */
  get due(): boolean {
    return this.#bytes > this.#mark;
  }

  /** Frees the arrays of values to which nobody refers any more; warns where many are in use. */
  async search(): Promise<void> {
    const before = this.#bytes;
    for (let turn = 0; turn < MOST_TURNS && this.#bytes > before / GROWTH; turn++) {
      press();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    this.#mark = Math.max(LEAST_BYTES, GROWTH * this.#bytes);
    for (const [source, entry] of this.#sources) {
      if (entry.warned || source === "put" || entry.values < MANY_RUNS * entry.perRun) continue;
      if (entry.bytes < this.#bytes / 2) continue;
      entry.warned = true;
      this.#onLeak(
        `${entry.values} values of '${source}', ${
          megabytes(entry.bytes)
        }, are still in use: results of ` +
          `${
            Math.floor(entry.values / entry.perRun)
          } runs and more. Read what is to be kept, and drop ` +
          `or release() the rest.`,
      );
    }
  }

  /** What is held, by where it came from; the most bytes first. */
  list(): Holder[] {
    return [...this.#sources]
      .filter(([, { values }]) => values > 0)
      .map(([source, { values, bytes }]) => ({ source, values, bytes }))
      .sort((a, b) => b.bytes - a.bytes);
  }

  /** The largest holdings in words, for errors. */
  toString(): string {
    return this.list().slice(0, 3).map(({ source, values, bytes }) =>
      `${values} values of '${source}' (${megabytes(bytes)})`
    ).join(", ");
  }
}

/** An array buffer counts as external memory of its whole length, and calls for a collection. */
function press(): void {
  try {
    new ArrayBuffer(PRESSURE_BYTES);
  } catch {
    // No address space left for it: then there is pressure enough.
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
