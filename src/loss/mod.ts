/**
 * Loss functions: from predictions and targets to a scalar.
 *
 * @module
 */
export { barlowTwins, type BarlowTwinsOptions } from "./barlow_twins.ts";
export * from "./cross_entropy.ts";
export * from "./mean_squared_error.ts";
export * from "./nt_xent.ts";
export { prototypeLogits, type PrototypeOptions } from "./prototype_logits.ts";
export * from "./supervised_contrastive.ts";
export * from "./vic_reg.ts";
