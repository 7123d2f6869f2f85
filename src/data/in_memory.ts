/**
 * What data sets need that are in memory already: splits, batches, episodes, a procedural stand-in. Runs
 * wherever JavaScript does, without a package.
 *
 * @module
 */
export {
  batchIndices,
  type BatchIndicesOptions,
  EpochSampler,
  type EpochSamplerOptions,
} from "./batch_indices.ts";
export * from "./channel_statistics.ts";
export * from "./class_indices.ts";
export * from "./episode_indices.ts";
export * from "./gather_episodes.ts";
export * from "./gather_images.ts";
export { type GivenImages, imageDataset, type ImageDatasetOptions } from "./given_images.ts";
export { HostRandom } from "./host_random.ts";
export * from "./image_dataset.ts";
export * from "./split_dataset.ts";
export { syntheticImages, type SyntheticImagesOptions } from "./synthetic_images.ts";
export { SYNTHETIC_CLASS_NAMES } from "./synthetic_shapes.ts";
export * from "./take_per_class.ts";
export * from "./decode_on_platform.ts";
export { type DecodedImage, withChannels } from "./decoded_image.ts";
export { resizeImage } from "./resize_image.ts";
export * from "./class_selection.ts";
export * from "./resize_dataset.ts";
