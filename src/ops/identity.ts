/** Operations that return their operand and differ in what transformations make of it. @module */
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { applyTo } from "./elementwise.ts";

/**
 * A fresh name for a tensor: differentiation treats the copy as independent of what it was made
 * from. It costs nothing; simplification removes it.
 */
export const identityP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "identity",
  aval: (_, [x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  evaluate: (_, [x]) => x!,
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: (_, ct) => [ct],
  vmap: (_, [x]) => identity(x!.tensor),
  lower: { kind: "alias" },
});

/** Parameters of {@linkcode barrierP}. */
export interface BarrierParams {
  /** Barriers of different groups are never merged. */
  readonly group: number;
}

/**
 * An identity that keeps two computations apart: what is computed from the barrier's result is
 * never shared with the same computation from its operand, so it is recomputed, not stored.
 */
export const barrierP: Primitive<BarrierParams> = /* @__PURE__ */ definePrimitive<BarrierParams>({
  name: "barrier",
  aval: (_, [x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  evaluate: (_, [x]) => x!,
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: (node, ct) => [applyTo(node, [ct])],
  vmap: (node, [x]) => applyTo(node, [x!.tensor]),
  lower: { kind: "alias" },
});

/** An identity whose derivative is zero. */
export const stopGradientP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "stop_gradient",
  aval: (_, [x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  evaluate: (_, [x]) => x!,
  jvp: "constant",
  transpose: "not linear",
  vmap: (node, [x]) => applyTo(node, [x!.tensor]),
  lower: { kind: "alias" },
});

/** A fresh name for `x`. */
export function identity(x: Tensor): Tensor {
  return apply(identityP, null, [x]);
}

/** `x` behind a barrier of the given group. */
export function barrier(x: Tensor, group: number): Tensor {
  return apply(barrierP, { group }, [x]);
}

/** `x`, with zero derivative. */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientP, null, [x]);
}
