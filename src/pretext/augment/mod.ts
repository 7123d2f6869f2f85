/**
 * Random changes of images, computed on the device from a key.
 *
 * @module
 */
export type { Augment } from "./augment.ts";
export * from "./color_jitter.ts";
export * from "./gaussian_blur.ts";
export * from "./horizontal_flip.ts";
export * from "./normalize_images.ts";
export * from "./random_crop.ts";
export * from "./random_grayscale.ts";
export * from "./random_resized_crop.ts";
export * from "./recipes.ts";
export * from "./rotate_quarter_turns.ts";
