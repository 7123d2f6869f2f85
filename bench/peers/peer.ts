/**
 * What every compared implementation is asked for: meta-gradients of one Conv4 workload.
 *
 * @module
 */
import type { Conv4Workload } from "../../tests/workloads/conv4.ts";

/** Workloads by name. */
export const WORKLOADS = ["small", "mid"] as const;

/** A workload. */
export type WorkloadName = (typeof WORKLOADS)[number];

/** Exact meta-gradients, and first-order ones. */
export const ORDERS = ["exact", "first"] as const;

/** An order. */
export type Order = (typeof ORDERS)[number];

/** An implementation, ready for its first meta-gradient: inputs are on its device. */
export interface Peer {
  /** Version of the library, and of what it runs on where that matters. */
  readonly version: string;
  /** What it computes on, in words. */
  readonly adapter: string;
  /** Runs so many meta-gradients, one after the other, and waits until the last loss is read. */
  run(count: number): Promise<void>;
  /**
   * The last results: gradients in the order of the workload's `names`, then the outer loss, each
   * in this library's layout.
   */
  results(): Promise<readonly ArrayLike<number>[]>;
  /** Most bytes of device memory at one time so far, where the implementation counts them. */
  deviceBytes?(): number;
}

/** A module that opens an implementation. */
export interface PeerModule {
  /** Opens it for a workload. */
  open(workload: Conv4Workload, name: WorkloadName, order: Order): Promise<Peer>;
}

/** What the process of an implementation writes, as one line of JSON. */
export interface Measurement {
  /** Version of the library. */
  readonly version: string;
  /** What it computed on. */
  readonly adapter: string;
  /** Milliseconds of the first call: trace, compile, run, read the loss. */
  readonly firstCall: number;
  /** Milliseconds of one meta-gradient: mean of each sample. */
  readonly samples: readonly number[];
  /** Meta-gradients of one sample. */
  readonly perSample: number;
  /** Compute dispatches of one meta-gradient, where they can be counted. */
  readonly dispatches?: number;
  /** Largest resident set of the process so far, in bytes; absent where the system tells none. */
  readonly peakRss?: number;
  /** Most bytes of device memory at one time, where they can be told. */
  readonly deviceBytes?: number;
  /** See {@linkcode Peer.results}. */
  readonly results: readonly (readonly number[])[];
}
