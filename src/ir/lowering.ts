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
  /** Whether kernels may compute with numbers of half precision; not unless told. */
  readonly halfPrecision?: boolean;
  /** Kernels beyond those that every adapter can run, loaded for this one; none unless told. */
  readonly kernelSets?: readonly KernelSet[];
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

/** What decides how an operation is computed: whole numbers by name. */
export type KernelShape = Readonly<Record<string, number>>;

/** A kernel and how it is laid out, but for its buffers. */
export type KernelLayout = Pick<CodedKernelCall, "kernel" | "code" | "overrides" | "workgroups">;

/** A kernel on a shape: a dispatch that may need another before it, and may leave partial sums. */
export interface VariantCall extends KernelLayout {
  /**
   * A kernel that reads the second operand and writes so many elements, which are read in its place; none unless told.
   */
  readonly prepare?: KernelLayout & {
    /** Elements that it writes. */
    readonly elements: number;
  };
  /** Arrays as large as the result that it leaves, of which the result is the sum; 1 for the result itself. */
  readonly parts: number;
}

/** One way to compute an operation. */
export interface KernelVariant<S extends KernelShape = KernelShape> {
  /** What tables call it: the kernel, and how its work is laid out where that is not the usual way. */
  readonly name: string;
  /** Most error of an element that it may have, relative to the largest magnitude of the result. */
  readonly tolerance: number;
  /** Whether it can compute a shape on an adapter. */
  fits(shape: S, traits: DeviceTraits): boolean;
  /** How it computes a shape that fits. */
  plan(shape: S, traits: DeviceTraits): VariantCall;
}

/** Further ways to compute an operation. */
export interface FurtherVariants<S extends KernelShape = KernelShape> {
  /** The ways. */
  readonly variants: readonly KernelVariant<S>[];
  /**
   * Name of the one that is taken where nothing was measured, `undefined` for that of the operation's own rule. Absent
   * where only measurements choose one.
   */
  rule?(shape: S, traits: DeviceTraits): string | undefined;
}

/** Kernels that not every adapter runs, loaded for those that do. */
export interface KernelSet {
  /** What it is called. */
  readonly name: string;
  /** The kernels by the operation that they compute, each by its name in tables. */
  readonly operations: Readonly<Record<string, FurtherVariants>>;
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
