/**
 * Functions compiled for an engine.
 *
 * @module
 */
import type { Program } from "../ir/program.ts";
import type { Concrete, Given } from "./value.ts";

/** Options of `Engine.jit`. */
export interface JitOptions {
  /** Positions of arguments whose values are used up: the engine frees them after the run. */
  readonly donate?: readonly number[];
  /**
   * Whether checkpointed functions compute their inner values again in the reverse pass, or keep
   * them: faster, with memory that grows with the number of inner steps. `"auto"` (default) keeps
   * them where the temporaries of the whole program grow by at most half, so that memory stays flat in
   * the number of inner steps; it recomputes on engines that do not plan their memory.
   */
  readonly recompute?: boolean | "auto";
}

/** A traced function, compiled for one set of argument shapes. */
export interface Prepared {
  /**
   * The program as it is run: simplified, and on WebGPU in parts where it would take more memory than there is.
   * Then `print` says of its calls what was split.
   */
  readonly program: Program;
  /**
   * Floating-point operations of the algorithm: of one run that computes nothing twice. The same on every
   * engine and whatever memory allows; counted when it is first asked for.
   */
  readonly flops: number;
  /** Floating-point operations of one run as it is executed, activations that are recomputed among them. */
  readonly executedFlops: number;
  /** Dispatches of one run. */
  readonly dispatches: number;
}

/** A function compiled for an engine at its first call with arguments of given shapes. */
export interface Jitted<A extends readonly unknown[], R> {
  /**
   * Runs the function; host arrays among the arguments are uploaded for this run, with the numbers that
   * they hold at the call.
   */
  (...args: { [K in keyof A]: Given<A[K]> }): Promise<Concrete<R>>;
  /** Compiles for arguments of these shapes without running. */
  prepare(...args: readonly unknown[]): Promise<Prepared>;
}
