/**
 * A primitive: one object with all the rules of one operation.
 *
 * The type is total: a missing rule is a compile error, and "cannot" is written down. Rules return
 * tensors, that is more program, so that every program can be transformed again.
 *
 * @module
 */
import { requireCall } from "./options.ts";
import type { Aval, DType } from "./aval.ts";
import type { Index } from "./index_expression.ts";
import type {
  CodedKernelCall,
  DeviceTraits,
  HostNode,
  HostStep,
  KernelLowering,
} from "./lowering.ts";
import type { NdArray } from "./nd_array.ts";
import type { Program } from "./program.ts";
import type { Node, Tensor } from "./tensor.ts";

/** A tangent or cotangent; `null` is a symbolic zero. */
export type Linear = Tensor | null;

/** A batched operand of a vmap rule: the batch axis is axis 0 where `batched`. */
export interface Batched {
  /** The operand, with the batch axis in front if `batched`. */
  readonly tensor: Tensor;
  /** Whether it has a batch axis. */
  readonly batched: boolean;
}

/**
 * What a pointwise primitive sees when its code is generated: it asks for operand values at index
 * expressions and returns a WGSL expression. The same rule serves one element and four neighbours
 * of the last axis at once; the emitter knows which.
 */
export interface Emitter {
  /** WGSL expression of operand `operand` at `index` (one entry per axis of the operand). */
  read(operand: number, index: readonly Index[]): string;
  /** The integer operand `operand` at `index`, clamped to `[0, extent)`, as an index. */
  indirect(operand: number, index: readonly Index[], extent: number): Index;
  /** WGSL expression of the value of an index expression, converted to `dtype`. */
  integer(index: Index, dtype: DType): string;
  /** WGSL condition `low <= index < high`. */
  inside(index: Index, low: number, high: number): string;
  /** A literal of the given type: compilers know it, so every value makes a kernel of its own. */
  literal(value: number, dtype: DType): string;
  /** A number of the program; kernels that differ in it share their code where it needs no literal. */
  number(value: number, dtype: DType): string;
  /** The WGSL name of a type in the current width, such as `f32` or `vec4<f32>`. */
  type(dtype: DType): string;
  /** Declares a WGSL helper function once for the kernel. */
  helper(name: string, source: string): void;
}

/** How a primitive becomes device code. */
export type Lowering<P> =
  /** Result element depends on operand elements named by index expressions. */
  | {
    readonly kind: "pointwise";
    /** Rough cost in simple operations; 0 for pure views, 20 and more for transcendental code. */
    readonly cost: number;
    /** Whether each result element depends only on the operand elements at the same position. */
    readonly elementwise: boolean;
    /** WGSL expression of the result element at `index`. */
    emit(emitter: Emitter, node: Node<P>, index: readonly Index[]): string;
  }
  /** Row-major order is unchanged: the result is the operand's buffer under another shape. */
  | { readonly kind: "alias" }
  /** Reduction of `axes` of the only operand. */
  | {
    readonly kind: "reduce";
    readonly op: "sum" | "max" | "argmax";
    axes(params: P): readonly number[];
  }
  /** Hand-written kernels. */
  | {
    readonly kind: "kernel";
    lower(
      params: P,
      inputs: readonly Aval[],
      output: Aval,
      traits: DeviceTraits,
    ): KernelLowering<CodedKernelCall>;
  }
  /** Code on the host that drives the device by itself, as another library does. */
  | { readonly kind: "host"; load(node: HostNode<P>, device: GPUDevice): Promise<HostStep> }
  /** Replaced by an equivalent program before scheduling. */
  | { readonly kind: "expand"; expand(node: Node<P>): readonly Tensor[] }
  /** Another program, compiled once for all its calls. */
  | { readonly kind: "call"; program(params: P): Program }
  /** A value that is given from outside: an input of the program or a literal array. */
  | { readonly kind: "source" };

/** One operation with all its rules. */
export interface Primitive<P = unknown> {
  /** Name in printed programs and in errors. */
  readonly name: string;
  /** Abstract values of the results; throws a message without the operation's name. */
  avals(params: P, inputs: readonly Aval[]): readonly Aval[];
  /** Meaning: computes the results in float64. */
  evaluate(params: P, inputs: readonly NdArray[], outputs: readonly Aval[]): readonly NdArray[];
  /** Tangents of the results from the tangents of the operands; `"constant"`: always zero. */
  readonly jvp:
    | ((node: Node<P>, tangents: readonly Linear[]) => readonly Linear[])
    | "constant";
  /**
   * Cotangents of the operands for which `linear` is set, from the cotangents of the results.
   * Called only where the primitive is linear in those operands.
   */
  readonly transpose:
    | ((
      node: Node<P>,
      cotangents: readonly Linear[],
      linear: readonly boolean[],
    ) => readonly Linear[])
    | "not linear";
  /** The same operation with a batch axis in front of every result. */
  vmap(node: Node<P>, inputs: readonly Batched[], batch: number): readonly Tensor[];
  /** Device code. */
  readonly lower: Lowering<P>;
  /** Floating-point operations (a multiply-add counts 2); default: one per result element. */
  flops?(params: P, inputs: readonly Aval[], outputs: readonly Aval[]): number;
}

/** The rules of a primitive with exactly one result, from which {@linkcode definePrimitive} builds. */
export interface SingleRules<P> {
  /** Name in printed programs and in errors. */
  readonly name: string;
  /** Abstract value of the result; throws a message without the operation's name. */
  aval(params: P, inputs: readonly Aval[]): Aval;
  /** Meaning: computes the result in float64. */
  evaluate(params: P, inputs: readonly NdArray[], output: Aval): NdArray;
  /** Tangent of the result. */
  readonly jvp: ((node: Node<P>, tangents: readonly Linear[]) => Linear) | "constant";
  /** Cotangents of the linear operands. */
  readonly transpose:
    | ((node: Node<P>, cotangent: Tensor, linear: readonly boolean[]) => readonly Linear[])
    | "not linear";
  /** The same operation with a batch axis in front. */
  vmap(node: Node<P>, inputs: readonly Batched[], batch: number): Tensor;
  /** Device code. */
  readonly lower: Lowering<P>;
  /** Floating-point operations (a multiply-add counts 2); default: one per result element. */
  flops?(params: P, inputs: readonly Aval[], output: Aval): number;
}

/**
 * Builds a {@linkcode Primitive} from the rules of an operation with one result.
 *
 * @example
 * ```ts
 * import { definePrimitive, evaluate, ndArray, Node, primitives } from "@mutasesumele/toolkit";
 * import { type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * // 2 x: linear, so its tangent is itself and so is its transpose.
 * const twiceP = definePrimitive<null>({
 *   name: "twice",
 *   aval: (_, [x]) => x!,
 *   evaluate: (_, [x], aval) => ndArray(aval, x!.data.map((value) => 2 * value)),
 *   jvp: (_, [tangent]) => tangent ? twice(tangent) : null,
 *   transpose: (_, cotangent) => [twice(cotangent)],
 *   vmap: (_, [x]) => twice(x!.tensor),
 *   lower: { kind: "expand", expand: ({ inputs: [x] }) => [primitives.add(x!, x!)] },
 * });
 * const twice = (x: Tensor): Tensor => new Node(twiceP, null, [x]).outputs[0]!;
 *
 * const { program } = trace(twice, [{ shape: [2], dtype: "f32" }]);
 * const [result] = evaluate(program, [ndArray({ shape: [2], dtype: "f32" }, [1, 2])]);
 * assertEquals(result?.data, Float64Array.of(2, 4));
 * ```
 */
export function definePrimitive<P>(rules: SingleRules<P>): Primitive<P> {
  requireCall("definePrimitive", arguments, 1);
  const { jvp, transpose, flops } = rules;
  return {
    name: rules.name,
    avals: (params, inputs) => [rules.aval(params, inputs)],
    evaluate: (params, inputs, outputs) => [rules.evaluate(params, inputs, outputs[0]!)],
    jvp: jvp === "constant" ? jvp : (node, tangents) => [jvp(node, tangents)],
    transpose: transpose === "not linear"
      ? transpose
      : (node, [cotangent], linear) =>
        cotangent ? transpose(node, cotangent, linear) : node.inputs.map(() => null),
    vmap: (node, inputs, batch) => [rules.vmap(node, inputs, batch)],
    lower: rules.lower,
    ...(flops
      ? {
        flops: (params: P, inputs: readonly Aval[], outputs: readonly Aval[]) =>
          flops(params, inputs, outputs[0]!),
      }
      : {}),
  };
}
