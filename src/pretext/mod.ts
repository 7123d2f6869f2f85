/**
 * Tasks that make their own targets, and the augmentation they need.
 *
 * @module
 */
export * from "./augment/mod.ts";
export * from "./average_precision.ts";
export * from "./augmented.ts";
export * from "./barlow_twins.ts";
export { classification, type ClassificationOptions } from "./classification.ts";
export * from "./colorization.ts";
export type { Composites } from "./composites.ts";
export * from "./contrastive.ts";
export * from "./detection.ts";
export * from "./exemplar.ts";
export * from "./inpainting.ts";
export * from "./jigsaw.ts";
export * from "./masked_autoencoding.ts";
export * from "./masked_patches.ts";
export type { MaskOptions } from "./patch_reconstruction.ts";
export * from "./pretext_task.ts";
export * from "./relative_position.ts";
export * from "./rotation.ts";
export * from "./sim_siam.ts";
export * from "./supervised_contrastive.ts";
export * from "./vic_reg.ts";
