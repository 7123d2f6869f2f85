/**
 * What an engine tells of long work, and how it is ended.
 *
 * @module
 */
import type { Pauses } from "../ir/pauses.ts";
import type { EngineMemory } from "./engine.ts";
import type { EngineName } from "./engine_info.ts";

/** What an engine is about to do; it may not come back from waiting for its device. */
export type EngineActivity =
  | { readonly kind: "run" | "read" | "idle" }
  | {
    readonly kind: "compile";
    /** Name of the function. */
    readonly name: string;
    /** Kernels begun, once it is known how many there are. */
    readonly begun?: number;
    /** Kernels in all. */
    readonly total?: number;
  }
  | {
    readonly kind: "split";
    /** Name of a function whose program would take more memory than there is. */
    readonly name: string;
    /** Into how many parts, along which axes: `split in 4 over axis 0 of size 32`. */
    readonly splits: readonly string[];
  };

/** Which engine is about to do what. */
export type EngineWork = EngineActivity & {
  /** The engine. */
  readonly engine: EngineName;
  /** Bytes that it holds before that. */
  readonly memory?: EngineMemory;
};

/** Who may end what an engine does, and who is told of it. */
export interface EngineWatch {
  /** Ends what is being compiled, which may take minutes, and nothing else. */
  readonly signal?: AbortSignal;
  /** Told of what the engine begins, on the host and on its device, and when that has ended. */
  readonly onWork?: (work: EngineWork) => void;
  /**
   * Receives one line for a function of which the results of a hundred runs and more stay in use, with most
   * of the memory; default: `console.warn`.
   */
  readonly onLeak?: (line: string) => void;
}

/** How a program is loaded. */
export interface LoadOptions {
  /** Name of the program, for errors. */
  readonly name?: string;
  /** Pauses in what is done on the host, which may take minutes; their signal ends it. */
  readonly pauses?: Pauses;
  /** Told now and then how many of how many kernels have been begun. */
  readonly onProgress?: (begun: number, total: number) => void;
}
