/**
 * Multi-task self-supervised meta-learning: exact second-order meta-gradients of convolutional
 * networks on WebGPU.
 *
 * @module
 */
export * from "./src/data/mod.ts";
export * from "./src/engine/mod.ts";
export * from "./src/experiment/mod.ts";
export * from "./src/interop/mod.ts";
export * from "./src/ir/mod.ts";
export * from "./src/kernel/mod.ts";
export * from "./src/loss/mod.ts";
export * from "./src/meta/mod.ts";
export * from "./src/multitask/mod.ts";
export * from "./src/nn/mod.ts";
export * from "./src/optim/mod.ts";
export * from "./src/pretext/mod.ts";
export * from "./src/profile/mod.ts";
export * from "./src/random/mod.ts";
export * from "./src/report/mod.ts";
export * from "./src/tensor/mod.ts";
export * from "./src/text/mod.ts";
export * from "./src/tfjs/mod.ts";
export * from "./src/run/mod.ts";
export * from "./src/study/mod.ts";
export * from "./src/train/mod.ts";
export {
  type ArgumentOptions,
  checkpoint,
  type Chosen,
  customJvp,
  grad,
  hessian,
  hvp,
  inline,
  jacfwd,
  type JacobianOf,
  jacrev,
  jvp,
  type Positions,
  simplify,
  trace,
  type Traced,
  valueAndGrad,
  valueAndGradAux,
  vjp,
  vmap,
  type VmapAxes,
  type VmapOptions,
} from "./src/transform/mod.ts";
export {
  type Flat,
  flatten,
  mapTree,
  type Structure,
  type Tree,
  unflatten,
} from "./src/tree/tree.ts";
/** The primitives, without broadcasting: for own derivative rules and own primitives. */
export * as primitives from "./src/ops/mod.ts";
