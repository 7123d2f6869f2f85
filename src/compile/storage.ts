/**
 * Which tensors live in memory of their own.
 *
 * @module
 */
import type { DType } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";

/** A region of device memory in a compiled program, before it is given a buffer. */
export class Storage {
  /** Elements (4 bytes each). */
  readonly size: number;
  /** Element type. */
  readonly dtype: DType;
  /** What it holds, for messages. */
  readonly label: string;
  /** Values of a literal array; absent where a kernel writes the storage or it is an input. */
  readonly literal: ArrayLike<number> | undefined;

  /** Describes a region of `size` elements. */
  constructor(size: number, dtype: DType, label: string, literal?: ArrayLike<number>) {
    this.size = size;
    this.dtype = dtype;
    this.label = label;
    this.literal = literal;
  }
}

/** The tensor whose elements, in the same order, are those of `tensor`: undoes reshapes. */
export function rootOf(tensor: Tensor): Tensor {
  let root = tensor;
  while (root.node.primitive.lower.kind === "alias") root = root.node.inputs[0]!;
  return root;
}
