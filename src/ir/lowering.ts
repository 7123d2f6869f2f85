/**
 * What a primitive's `lower` rule may say: which hand-written kernels of `kernels/` to run, with
 * which constants, over which buffers. Plain data, so that `src/ops` need not know a GPU.
 *
 * @module
 */
import type { AdapterCosts } from "./adapter_costs.ts";
import type { Aval } from "./aval.ts";

/** What a lowering may know of the adapter it plans for. */
export interface DeviceTraits {
  /** What things cost there, in simple operations, and how much work keeps it busy. */
  readonly costs: AdapterCosts;
  /**
   * Lanes of every subgroup, in the order of a workgroup's invocations; 0 where kernels cannot use
   * subgroups or their size varies.
   */
  readonly subgroupLanes: number;
  /** Most invocations of one workgroup. */
  readonly maxWorkgroupInvocations: number;
  /** Bytes of workgroup memory. */
  readonly maxWorkgroupStorage: number;
  /** Most workgroups along one axis of a dispatch. */
  readonly maxWorkgroupsPerDimension: number;
  /** Largest uniform binding in bytes. */
  readonly maxUniformBinding: number;
  /** Largest storage binding in bytes. */
  readonly maxStorageBinding: number;
  /** Most storage buffers of one dispatch. */
  readonly maxStorageBuffers: number;
  /**
   * Which of several kernels is the fastest for a shape, as it was measured there: one of the names, or `undefined`
   * where nothing is known.
   */
  readonly chooseKernel?: (shape: string, names: readonly string[]) => string | undefined;
}

/** A buffer of a {@linkcode KernelCall}: an operand, the result, or scratch of the lowering. */
export interface BufferSlot {
  /** Whose buffer it is. */
  readonly kind: "input" | "output" | "scratch";
  /** Which operand, result or scratch buffer. */
  readonly index: number;
}

/** One dispatch of one kernel. */
export interface KernelCall {
  /** Name of the kernel: of its file without `.wgsl`. */
  readonly kernel: string;
  /** Values of the kernel's `override` constants and of the members of its `struct Sizes`. */
  readonly overrides: Readonly<Record<string, number>>;
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
  /** The buffers, in the order of `@binding(0)`, `@binding(1)`, ... of `@group(0)`. */
  readonly buffers: readonly BufferSlot[];
  /** Floating-point operations of this dispatch (a multiply-add counts 2). */
  readonly flops: number;
}

/** One dispatch of one kernel, with the kernel. */
export interface CodedKernelCall extends KernelCall {
  /** WGSL of the kernel. */
  readonly code: string;
}

/** A primitive as a short list of kernel dispatches. */
export interface KernelLowering<C extends KernelCall = KernelCall> {
  /** The dispatches in order. */
  readonly calls: readonly C[];
  /** Elements (4 bytes each) of each scratch buffer. */
  readonly scratch: readonly number[];
}

/** Operands and results of a step on the host. */
export interface HostNode<P> {
  /** The node's parameters. */
  readonly params: P;
  /** Its operands. */
  readonly inputs: readonly Aval[];
  /** Its results. */
  readonly outputs: readonly Aval[];
}

/**
 * A step on the host, between two submissions: it fills the buffers of the results from those of the
 * operands by work that it submits itself, waits for nothing, and keeps none of the buffers.
 */
export type HostStep = (
  operands: readonly GPUBuffer[],
  results: readonly GPUBuffer[],
) => void;
