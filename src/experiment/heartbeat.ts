/**
 * What a running experiment says of itself to the process that has started it.
 *
 * @module
 */
import type { EngineMemory, EngineWork } from "../engine/mod.ts";
import type { Progress } from "../run/progress.ts";

/** Name of the file in the run folder; it is there while the run is. */
export const HEARTBEAT = "heartbeat.json";

/** Content of the file. */
export interface Beat {
  /** Process of the run. */
  readonly pid: number;
  /** Larger in every beat. */
  readonly count: number;
  /** Whether the run waits for a device from now on; a driver that hangs blocks the whole process. */
  readonly waits: boolean;
  /** Seconds of the longest wait so far. */
  readonly longest: number;
  /** What is going on, such as `meta pretrain`; empty before the first stage. */
  readonly stage: string;
  /** Last step that is known to be done. */
  readonly step: number;
  /** Steps in all. */
  readonly total: number;
  /** Bytes that the engine holds, and its peak; absent where it has not said. */
  readonly memory?: EngineMemory;
}

/** Milliseconds between two beats where nothing new has to be said. */
const EVERY = 1000;

/** Milliseconds between two beats where a run reads back, so that its step is known. */
const EVERY_READ = 100;

/**
 * Writes beats, a few a second at most.
 *
 * Before the program waits for a device it must have said so, for it may never come back. That it has come
 * back is said a second later, or at once if it goes on to compile: most often it waits again before.
 */
export class Heartbeat implements Disposable {
  readonly #path: string;
  readonly #progress: Progress;
  #count = 0;
  #waits = false;
  #since = 0;
  #longest = 0;
  #memory: EngineMemory | undefined;
  #written = false;
  #writtenAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Nothing is written before the first work.
   *
   * @param folder The run folder.
   * @param progress Knows stage and step.
   */
  constructor(folder: string, progress: Progress) {
    this.#path = `${folder}/${HEARTBEAT}`;
    this.#progress = progress;
  }

  /** To be told what engines are about to do. */
  tell(work: EngineWork): void {
    const now = performance.now();
    if (this.#waits) this.#longest = Math.max(this.#longest, (now - this.#since) / 1000);
    this.#since = now;
    this.#memory = work.memory ?? this.#memory;
    this.#waits = work.engine === "webgpu" && (work.kind === "run" || work.kind === "read");
    if (this.#waits) {
      const every = work.kind === "read" ? EVERY_READ : EVERY;
      if (!this.#written || now - this.#writtenAt >= every) this.#write();
    } else if (this.#written && work.kind === "compile") this.#write();
    else if (this.#written && this.#timer === undefined) {
      const timer = setTimeout(() => {
        this.#timer = undefined;
        if (this.#written && !this.#waits) this.#write();
      }, EVERY);
      Deno.unrefTimer(timer);
      this.#timer = timer;
    }
  }

  #write(): void {
    const beat: Beat = {
      pid: Deno.pid,
      count: ++this.#count,
      waits: this.#waits,
      longest: this.#longest,
      ...this.#progress.state,
      ...(this.#memory && { memory: this.#memory }),
    };
    this.#written = this.#waits;
    this.#writtenAt = performance.now();
    try {
      Deno.writeTextFileSync(this.#path, JSON.stringify(beat));
    } catch {
      // A full disk or a folder that is gone shows elsewhere. No beat is better than an old one.
      this.#remove();
    }
  }

  #remove(): void {
    try {
      Deno.removeSync(this.#path);
    } catch {
      // There is none.
    }
  }

  /** The run is over. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#remove();
  }
}
