/**
 * What an engine runs on.
 *
 * @module
 */
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import type { KernelTable } from "../adapter/kernel_table.ts";

/** Which engine. */
export type EngineName = "webgpu" | "tfjs" | "reference";

/** What an engine runs on. */
export interface EngineInfo {
  /** Which engine. */
  readonly name: EngineName;
  /** The adapter or backend, in words. */
  readonly adapter: string;
  /** Whether it computes on the CPU: figures must say so. */
  readonly software: boolean;
  /** What `f32` arrays hold between programs. */
  readonly holds: "float32" | "float64";
  /** What programs are compiled by, where there is an adapter. */
  readonly profile?: AdapterProfile;
  /** Which kernels were measured to be the fastest for which shapes, where there is an adapter; may be empty. */
  readonly kernels?: KernelTable;
}
