import { type DType, formatAval, sameShape, type Shape, sizeOf } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import { broadcast } from "../ops/broadcast.ts";
import { fill } from "../ops/fill.ts";
import { reshape } from "../ops/reshape.ts";

/** A tensor, or a number that takes the element type and shape of the tensor beside it. */
export type Operand = Tensor | number;

/** Writes an operand for an error message. */
export function formatOperand(operand: Operand): string {
  return typeof operand === "number" ? String(operand) : formatAval(operand);
}

/**
 * Shape to which shapes are broadcast together: axes are aligned at the end, and an extent of 1
 * is repeated.
 *
 * @param shapes The shapes.
 * @returns The common shape, or `null` if there is none.
 */
export function broadcastShapes(shapes: readonly Shape[]): Shape | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let k = 0; k < shape.length; k++) {
      const axis = rank - shape.length + k;
      const extent = shape[k]!;
      if (extent === 1 || extent === result[axis]) continue;
      if (result[axis] !== 1) return null;
      result[axis] = extent;
    }
  }
  return result;
}

/**
 * Repeats a tensor to a shape by the rules of broadcasting.
 *
 * @param x The tensor.
 * @param shape The wanted shape; aligned with that of `x` at the end, it differs only where `x`
 *   has extent 1 or no axis.
 * @returns A tensor of the given shape.
 * @throws {TypeError} If `x` does not broadcast to `shape`.
 *
 * @example
 * ```ts
 * import { broadcastTo, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(broadcastTo(constant([1, 2]), [2, 2])), [1, 2, 1, 2]);
 * ```
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  requireCall("broadcastTo", arguments, 2);
  requireTensor("broadcast", x);
  if (sameShape(x.shape, shape)) return x;
  const offset = shape.length - x.rank;
  const fits = offset >= 0 &&
    x.shape.every((extent, k) => extent === 1 || extent === shape[offset + k]);
  if (!fits) {
    throw new TypeError(
      `Cannot broadcast ${formatAval(x)} to [${shape.join(", ")}]: aligned at the end, every ` +
        `extent must be 1 or equal. Insert axes with expandDims() or reshape().`,
    );
  }
  if (x.size === sizeOf(shape)) return reshape(x, shape);
  // An axis of extent 1 is dropped and comes back as a repeated one, or stays where nothing grows.
  const kept = x.shape.map((_, k) => k).filter((k) => x.shape[k] === shape[offset + k]);
  const dense = reshape(x, kept.map((k) => x.shape[k]!));
  return broadcast(dense, shape, kept.map((k) => offset + k));
}

/**
 * Brings operands to one shape and element type.
 *
 * @param attempt What is being done, for the error: "add".
 * @param operands Tensors and numbers; a number takes the element type of the first tensor.
 * @returns Tensors of one shape and element type.
 * @throws {TypeError} If the types differ or the shapes do not broadcast.
 * @throws {RangeError} If a number does not exist in the element type of the tensor.
 */
export function broadcastOperands(attempt: string, operands: readonly Operand[]): Tensor[] {
  const tensors = operands.filter((operand): operand is Tensor => typeof operand !== "number");
  for (const tensor of tensors) requireTensor(attempt, tensor);
  const dtype = tensors[0]?.dtype ?? "f32";
  const found = operands.map(formatOperand).join(" and ");
  if (tensors.some((tensor) => tensor.dtype !== dtype)) {
    throw new TypeError(
      `Cannot ${attempt} ${found}: expected one element type. Use convert() on one of them.`,
    );
  }
  const shape = broadcastShapes(tensors.map((tensor) => tensor.shape));
  if (shape === null) {
    throw new TypeError(
      `Cannot ${attempt} ${found}: the shapes do not broadcast; aligned at the end, every extent ` +
        `must be 1 or equal. Insert axes with expandDims() or reshape().`,
    );
  }
  return operands.map((operand) => {
    if (typeof operand !== "number") return broadcastTo(operand, shape);
    requireNumber(attempt, operand, dtype);
    return fill(operand, shape, dtype);
  });
}

function requireNumber(attempt: string, value: number, dtype: DType): void {
  const valid = dtype === "f32"
    ? !Number.isNaN(value)
    : dtype === "bool"
    ? value === 0 || value === 1
    : Number.isInteger(value) && (dtype === "i32" || value >= 0);
  if (!valid) {
    throw new RangeError(
      `Cannot ${attempt} the number ${value} beside a tensor of ${dtype}: expected a ${
        dtype === "f32" ? "number that is not NaN" : `value of ${dtype}`
      }. Use convert() on the tensor first.`,
    );
  }
}
