/**
 * What engines run on.
 *
 * @module
 */
import type { Aval } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import type { Pauses } from "../ir/pauses.ts";
import type { Program } from "../ir/program.ts";
import type { EngineInfo } from "./engine_info.ts";
import type { LoadOptions } from "./engine_watch.ts";

/** Bytes that an engine holds for arrays and plans. */
export interface EngineMemory {
  /** Bytes in use now. */
  readonly live: number;
  /** Most bytes in use at one time since the engine was opened or `resetPeak`. */
  readonly peak: number;
}

/** A program loaded on a device. */
export interface LoadedProgram {
  /** Dispatches (or operations) of one run. */
  readonly dispatches: number;
  /** What is run, if it is not what was given but that in parts. */
  readonly program?: Program;
  /** Runs the program; the handles returned are new. */
  run(inputs: readonly unknown[]): Promise<unknown[]> | unknown[];
}

/** What an engine is made of: arrays and loaded programs. */
export interface Backend {
  /** What it runs on. */
  readonly info: EngineInfo;
  /** Puts a host array on the device. */
  upload(array: HostArray): unknown;
  /** Reads arrays back. */
  download(
    arrays: readonly { readonly aval: Aval; readonly handle: unknown }[],
  ): Promise<HostArray[]>;
  /** Frees an array; work that was given to the device before still sees it. */
  release(handle: unknown): void;
  /**
   * Bytes of temporaries of a simplified program, where the backend plans its memory: then the engine
   * may choose between programs by it.
   */
  temporaryBytes?(program: Program, pauses: Pauses): number | Promise<number>;
  /** Compiles a simplified program; errors mention its name. */
  load(program: Program, options?: LoadOptions): Promise<LoadedProgram>;
  /** Bytes held. */
  memory(): EngineMemory;
  /** Starts a new measurement of the peak. */
  resetPeak(): void;
  /** Frees everything. */
  close(): void;
}
