/**
 * Shared rules of elementwise primitives: all operands have the shape of the result.
 *
 * @module
 */
import { type Aval, type DType, formatAval, sameShape } from "../ir/aval.ts";
import { type NdArray, zerosNd } from "../ir/nd_array.ts";
import {
  type Batched,
  definePrimitive,
  type Emitter,
  type Linear,
  type Primitive,
} from "../ir/primitive.ts";
import { apply, type Node, type Tensor } from "../ir/tensor.ts";
import { broadcast } from "./broadcast.ts";

/** The rules in which elementwise primitives differ. */
export interface ElementwiseRules<P> {
  /** Name of the primitive. */
  readonly name: string;
  /** Number of operands. */
  readonly arity: number;
  /** Element type of the result from those of the operands; throws where they do not fit. */
  dtype(inputs: readonly DType[], params: P): DType;
  /** Value of one element. */
  compute(params: P, ...values: number[]): number;
  /** Value of one element of an integer result modulo 2^32, where `compute` would round it. */
  integer?(params: P, ...values: number[]): number;
  /** Tangent; see {@linkcode definePrimitive}. */
  readonly jvp: ((node: Node<P>, tangents: readonly Linear[]) => Linear) | "constant";
  /** Cotangents; see {@linkcode definePrimitive}. */
  readonly transpose:
    | ((node: Node<P>, cotangent: Tensor, linear: readonly boolean[]) => readonly Linear[])
    | "not linear";
  /** Rough cost in simple operations. */
  readonly cost: number;
  /** WGSL expression from those of the operands. */
  wgsl(args: readonly string[], emitter: Emitter, node: Node<P>): string;
}

/** Builds an elementwise primitive. */
export function defineElementwise<P>(rules: ElementwiseRules<P>): Primitive<P> {
  const { arity } = rules;
  return definePrimitive<P>({
    name: rules.name,
    aval(params, inputs): Aval {
      if (inputs.length !== arity) {
        throw new TypeError(`found ${inputs.length} operands, expected ${arity}.`);
      }
      const shape = inputs[0]!.shape;
      if (!inputs.every((input) => sameShape(input.shape, shape))) {
        throw new TypeError("operands must have one shape; broadcast them first.");
      }
      return { shape, dtype: rules.dtype(inputs.map((input) => input.dtype), params) };
    },
    evaluate(params, inputs, output): NdArray {
      const compute = output.dtype === "f32" ? rules.compute : rules.integer ?? rules.compute;
      const result = zerosNd(output.shape, output.dtype);
      const { data } = result;
      const [a, b, c] = inputs.map((input) => input.data);
      for (let i = 0; i < data.length; i++) {
        data[i] = arity === 1
          ? compute(params, a![i]!)
          : arity === 2
          ? compute(params, a![i]!, b![i]!)
          : compute(params, a![i]!, b![i]!, c![i]!);
      }
      return result;
    },
    jvp: rules.jvp,
    transpose: rules.transpose,
    vmap: (node, inputs, batch) => applyTo(node, inputs.map((input) => withBatch(input, batch))),
    lower: {
      kind: "pointwise",
      cost: rules.cost,
      elementwise: true,
      emit: (emitter, node, index) =>
        rules.wgsl(node.inputs.map((_, operand) => emitter.read(operand, index)), emitter, node),
    },
  });
}

/** Applies the primitive of `node`, with its parameters, to other operands. */
export function applyTo<P>(node: Node<P>, inputs: readonly Tensor[]): Tensor {
  return apply(node.primitive, node.params, inputs);
}

/** The operand of a vmap rule with its batch axis in front, broadcast where it has none. */
export function withBatch({ tensor, batched }: Batched, batch: number): Tensor {
  if (batched) return tensor;
  return broadcast(tensor, [batch, ...tensor.shape], tensor.shape.map((_, axis) => axis + 1));
}

/** Element type rule: all operands have the same type, one of `allowed`. */
export function sameDType(...allowed: DType[]): (inputs: readonly DType[]) => DType {
  return (inputs) => {
    const [first] = inputs;
    if (!first || !allowed.includes(first) || inputs.some((dtype) => dtype !== first)) {
      throw new TypeError(`operands must be all of one type out of ${allowed.join(", ")}.`);
    }
    return first;
  };
}

/** Element type rule of comparisons: operands of one numeric type, result `bool`. */
export function comparisonDType(inputs: readonly DType[]): DType {
  sameDType("f32", "i32", "u32")(inputs);
  return "bool";
}

/** Throws unless an operand is `f32`. */
export function requireFloat(aval: Aval): void {
  if (aval.dtype !== "f32") throw new TypeError(`found ${formatAval(aval)}, expected f32.`);
}
