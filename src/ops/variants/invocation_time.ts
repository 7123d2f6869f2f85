/**
 * How long a kernel takes an adapter that runs many invocations at once, by what one of them does.
 *
 * @module
 */
import type { AdapterCosts } from "../../ir/adapter_costs.ts";
import type { KernelShape, KernelVariant } from "./kernel_variant.ts";

/** What a kernel does. */
export interface InvocationWork {
  /** How many invocations do it. */
  readonly invocations: number;
  /** Multiply-adds of each. */
  readonly operations: number;
  /** Elements that each loads. */
  readonly loads: number;
}

/** A kernel whose work is counted. */
export interface WorkingVariant<S extends KernelShape> extends KernelVariant<S> {
  /** What it does for a shape. */
  work(shape: S): InvocationWork;
}

/**
 * The share of the invocations that keep an adapter busy from which on more of them take longer: those of such kernels
 * compute much and wait little. So an H200 takes the slices that are its fastest by the built-in profile and by its own,
 * which has twice as many.
 */
const FULL = 2 / 5;

/**
 * Compares kernels whose invocations each do much: as long as one takes, or longer where they are more than the
 * adapter runs at once.
 *
 * @param work What the kernel does
 * @param costs What things cost there
 * @returns In simple operations of one invocation
 */
export function invocationTime(
  { invocations, operations, loads }: InvocationWork,
  { load, busy }: AdapterCosts,
): number {
  return (operations + load * loads) * Math.max(1, invocations / (FULL * busy.tiled));
}
