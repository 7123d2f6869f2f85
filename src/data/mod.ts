/**
 * Data sets in host memory: CIFAR-10, Hugging Face image parquet, Omniglot, a procedural stand-in, and
 * the splits, batches and episodes drawn from them.
 *
 * @example Images that need neither files nor network
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { hashDataset, subsetDataset, syntheticImages } from "@mutasesumele/toolkit/data";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 40, testCount: 10 });
 * assert(train.synthetic);
 * const few = subsetDataset(train, Int32Array.of(0, 1, 2));
 * assertEquals([few.count, few.height, few.channels], [3, 32, 3]);
 * assertEquals(hashDataset(few).length, 64);
 * ```
 *
 * @module
 */
export * from "./in_memory.ts";
export * from "./cifar10.ts";
export * from "./cifar100.ts";
export { CIFAR100_ARCHIVE, CIFAR10_ARCHIVE, type PublishedArchive } from "./cifar_layout.ts";
export { type CifarRecords, decodeCifar10Records } from "./cifar_records.ts";
export { countShardRows } from "./count_shard_rows.ts";
export * from "./image_stream.ts";
export * from "./data_directory.ts";
export * from "./download_file.ts";
export * from "./hash_dataset.ts";
export * from "./sha256_file.ts";
export { ChecksumError, type ExpectedFile, verifyFile } from "./verify_file.ts";
export { decodeImage } from "./decode_image.ts";
export { type DecodeImageOptions, decodeJpeg } from "./decode_jpeg.ts";
export { decodePng } from "./decode_png.ts";
export * from "./hugging_face_images.ts";
export { type ImageFolderOptions, loadImageFolder } from "./image_folder.ts";
export * from "./omniglot.ts";
export * from "./data_names.ts";
export { type ImageSplitsOptions, loadImageSplits } from "./load_image_splits.ts";
export { PUBLISHED_SETS, type PublishedSet } from "./published_sets.ts";
export type { HubFile } from "./hub_files.ts";
export * from "./stream_image_splits.ts";
export * from "./stream_images.ts";
