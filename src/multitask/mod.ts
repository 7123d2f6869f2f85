/**
 * Methods that decide how much each of several tasks counts.
 *
 * @module
 */
export * from "./equal_weighting.ts";
export * from "./famo.ts";
export * from "./grad_norm.ts";
export { combineGradients, gramMatrix } from "./gradients.ts";
export * from "./mgda.ts";
export {
  type MultiTaskGradient,
  multiTaskGradient,
  type MultiTaskGradientOptions,
  type MultiTaskLosses,
  type MultiTaskLossFunction,
} from "./multi_task_gradient.ts";
export * from "./multi_task_step.ts";
export * from "./nash_mtl.ts";
export * from "./normalize_weights.ts";
export * from "./pc_grad.ts";
export * from "./uncertainty.ts";
export * from "./weigh_gradients.ts";
export {
  type Transformed,
  type TransformInputs,
  type Weighted,
  type Weighting,
  type WeightingInputs,
  type WeightingState,
  type WeightScale,
} from "./weighting.ts";
