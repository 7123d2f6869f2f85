/**
 * Data sets in host memory: CIFAR-10, Hugging Face image parquet, Omniglot, a procedural stand-in, and
 * the splits, batches and episodes drawn from them.
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
export * from "./cifar10.ts";
export * from "./cifar100.ts";
export { CIFAR100_ARCHIVE, CIFAR10_ARCHIVE, type PublishedArchive } from "./cifar_layout.ts";
export { type CifarRecords, decodeCifar10Records } from "./cifar_records.ts";
export * from "./class_indices.ts";
export * from "./data_directory.ts";
export * from "./download_file.ts";
export * from "./episode_indices.ts";
export * from "./gather_images.ts";
export * from "./hash_dataset.ts";
export { HostRandom } from "./host_random.ts";
export * from "./image_dataset.ts";
export * from "./sha256_file.ts";
export * from "./split_dataset.ts";
export { syntheticImages, type SyntheticImagesOptions } from "./synthetic_images.ts";
export { SYNTHETIC_CLASS_NAMES } from "./synthetic_shapes.ts";
export * from "./take_per_class.ts";
export { ChecksumError, type ExpectedFile, verifyFile } from "./verify_file.ts";
export { decodeImage } from "./decode_image.ts";
export { type DecodeImageOptions, decodeJpeg } from "./decode_jpeg.ts";
export { decodePng } from "./decode_png.ts";
export type { DecodedImage } from "./decoded_image.ts";
export * from "./hugging_face_images.ts";
export * from "./omniglot.ts";
export { resizeImage } from "./resize_image.ts";
export * from "./class_selection.ts";
export * from "./data_names.ts";
export * from "./load_image_splits.ts";
export { PUBLISHED_SETS, type PublishedSet } from "./published_sets.ts";
export type { HubFile } from "./hub_files.ts";
export * from "./resize_dataset.ts";
export * from "./stream_images.ts";
