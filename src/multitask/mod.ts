/**
 * Methods that decide how much each of several tasks counts.
 *
 * @module
 */
export * from "./aligned_mtl.ts";
export * from "./ca_grad.ts";
export * from "./db_mtl.ts";
export * from "./dwa.ts";
export * from "./equal_weighting.ts";
export * from "./excess_mtl.ts";
export * from "./fair_grad.ts";
export * from "./famo.ts";
export * from "./fixed_weighting.ts";
export * from "./focal_weighting.ts";
export * from "./geometric_loss.ts";
export * from "./grad_drop.ts";
export * from "./grad_norm.ts";
export * from "./grad_vac.ts";
export { combineGradients, gramMatrix } from "./gradients.ts";
export * from "./imtl.ts";
export * from "./log_losses.ts";
export * from "./loss_balanced.ts";
export * from "./mgda.ts";
export * from "./mo_co.ts";
export * from "./mo_do.ts";
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
export * from "./gradient_overlap.ts";
export * from "./pc_grad.ts";
export * from "./random_weighting.ts";
export * from "./sdm_grad.ts";
export * from "./similarity_weighting.ts";
export * from "./smooth_tchebycheff.ts";
export * from "./uncertainty.ts";
export * from "./up_grad.ts";
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
