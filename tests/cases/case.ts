/** What a case of a primitive is, and how its inputs are drawn. @module */
import { type Aval, type Shape, sizeOf } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { integer, uniform } from "./random.ts";

/** An operand: its abstract value and the numbers it may hold. */
export interface Operand extends Aval {
  /** Draws one element; `f32` elements are exact in float32. */
  draw(next: () => number): number;
}

/** One use of a primitive, on which every law is checked. */
export interface PrimitiveCase {
  /** Unique: the primitive's name and what is special. */
  readonly name: string;
  /** Name of the primitive under test. */
  readonly primitive: string;
  /** Abstract values of the operands. */
  readonly avals: readonly Aval[];
  /** Positions of the operands in which the derivative is the limit of differences. */
  readonly differentiable: readonly number[];
  /** Row-major numbers for each operand; equal seeds give equal numbers. */
  inputs(seed: number): number[][];
  /** Applies the primitive; the function that is traced. */
  build(...tensors: Tensor[]): Tensor;
}

/** `f32` of a uniform distribution; the default range has both signs. */
export function f32(shape: Shape, low = -2, high = 2): Operand {
  return { shape, dtype: "f32", draw: (next) => Math.fround(low + next() * (high - low)) };
}

/** `f32` multiples of `step`, so that equal elements occur. */
export function grid(shape: Shape, step: number, [low, high]: readonly [number, number]): Operand {
  return {
    shape,
    dtype: "f32",
    draw: (next) => Math.fround(integer(next, low / step, high / step) * step),
  };
}

/** `i32` of `[low, high]`. */
export function i32(shape: Shape, low = -9, high = 9): Operand {
  return { shape, dtype: "i32", draw: (next) => integer(next, low, high) };
}

/** `u32` of `[low, high]`; the default is every pattern of bits. */
export function u32(shape: Shape, low = 0, high = 2 ** 32 - 1): Operand {
  return { shape, dtype: "u32", draw: (next) => integer(next, low, high) };
}

/** Some of the given numbers, drawn with replacement. */
export function among(shape: Shape, dtype: Aval["dtype"], values: readonly number[]): Operand {
  return { shape, dtype, draw: (next) => values[integer(next, 0, values.length - 1)]! };
}

/** Booleans, 0 or 1. */
export function bool(shape: Shape): Operand {
  return { shape, dtype: "bool", draw: (next) => integer(next, 0, 1) };
}

/**
 * Makes a case.
 *
 * @param name Name of the primitive, then, after a space, what is special about the case.
 * @param operands The operands.
 * @param build Applies the primitive.
 * @param differentiable Operands in which it can be differentiated; default: all that are `f32`.
 */
export function primitiveCase(
  name: string,
  operands: readonly Operand[],
  { build, differentiable }: {
    readonly build: (...tensors: Tensor[]) => Tensor;
    readonly differentiable?: readonly number[];
  },
): PrimitiveCase {
  return {
    name,
    primitive: name.split(" ")[0]!,
    avals: operands.map(({ shape, dtype }) => ({ shape, dtype })),
    differentiable: differentiable ??
      operands.flatMap(({ dtype }, k) => dtype === "f32" ? [k] : []),
    inputs: (seed) => {
      const next = uniform(seed);
      return operands.map((operand) =>
        Array.from({ length: sizeOf(operand.shape) }, () => operand.draw(next))
      );
    },
    build,
  };
}
