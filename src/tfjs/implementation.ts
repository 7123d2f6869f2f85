/**
 * What an implementation of a primitive by TensorFlow.js is.
 *
 * @module
 */
import type { DType } from "../ir/aval.ts";
import type { Node } from "../ir/tensor.ts";
import type { Held } from "./held.ts";
import type { Tf, TfTensor } from "./load.ts";

/**
 * An implementation of one primitive.
 *
 * Where it does not apply, the executor evaluates the primitive on the host.
 */
export interface Implementation {
  /** Element types of the first operand (or the result, without operands) that it computes. */
  readonly dtypes: readonly DType[];
  /**
   * Computes the results (one may stand without an array), or `undefined` where TensorFlow.js
   * cannot: tensors of the rank of the results, with extents 1 where these only repeat.
   */
  run(
    tf: Tf,
    node: Node,
    operands: readonly Held[],
  ): TfTensor | readonly TfTensor[] | undefined;
}

/** Most axes that every operation of the wasm backend handles. */
export const MOST_AXES = 5;
