/**
 * Optimizers and learning rate schedules: pure functions over trees of parameters.
 *
 * @module
 */
export * from "./adam.ts";
export * from "./gradients.ts";
export type { Optimizer, OptimizerState, Rate, Updated } from "./optimizer.ts";
export * from "./rms_prop.ts";
export { momentum, type MomentumOptions, sgd } from "./sgd.ts";
export * from "./schedules.ts";
