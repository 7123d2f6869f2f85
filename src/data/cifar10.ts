import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { CIFAR10_ARCHIVE, CIFAR10_LAYOUT, type PublishedArchive } from "./cifar_layout.ts";
import { dataDirectory } from "./data_directory.ts";
import { type DownloadProgress, NetworkUnavailableError } from "./download_file.ts";
import type { ImageDataset, ImageSplits } from "./image_dataset.ts";
import { fetchCifar, loadCifarFrom } from "./load_cifar.ts";
import { syntheticImagesInTurns } from "./synthetic_images.ts";

/** Options of {@linkcode loadCifar10}. */
export interface Cifar10Options {
  /** `"auto"` (the default), `"synthetic"`, or a folder or archive that must hold CIFAR-10. */
  readonly data?: string;
  /** Whether `auto` downloads nothing and makes the stand-in where there are no files. */
  readonly offline?: boolean;
  /** Folder where `auto` looks and downloads to; {@linkcode dataDirectory} unless told. */
  readonly defaultDirectory?: string;
  /** The archive to download and to check against; {@linkcode CIFAR10_ARCHIVE} unless told. */
  readonly archive?: PublishedArchive;
  /** Told how far a download is, at most ten times a second. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Told in one line what is about to take time, or was decided. */
  readonly onMessage?: (line: string) => void;
  /** Ends a download, or painting the stand-in, early. */
  readonly signal?: AbortSignal;
  /** Longest wait for the server's first answer in milliseconds, 20,000 unless told. */
  readonly responseTimeout?: number;
  /** Training images of the procedural stand-in, 10,000 unless told. */
  readonly syntheticTrainCount?: number;
  /** Test images of the procedural stand-in, 2,000 unless told. */
  readonly syntheticTestCount?: number;
  /** Seed of the procedural stand-in, 0 unless told. */
  readonly syntheticSeed?: number;
}

/** The procedural stand-in, with the reason for it in its provenance. */
async function standIn(options: Cifar10Options, reason: string): Promise<ImageSplits> {
  const splits = await syntheticImagesInTurns({
    seed: options.syntheticSeed ?? 0,
    trainCount: options.syntheticTrainCount ?? 10_000,
    testCount: options.syntheticTestCount ?? 2_000,
  }, options.signal);
  const explain = (dataset: ImageDataset): ImageDataset => ({
    ...dataset,
    provenance: `NOT CIFAR-10 but a ${dataset.provenance} (${reason})`,
  });
  return { train: explain(splits.train), test: explain(splits.test) };
}

/**
 * Loads CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) from its
 * official binary version, or a procedural stand-in.
 *
 * A folder holds `data_batch_{1..5}.bin`, `test_batch.bin` and perhaps `batches.meta.txt`, directly
 * or in `cifar-10-batches-bin`, or else the official archive. Every file may have any whole number
 * of records; the provenance tells how many were found. The format has no checksum: files of a folder
 * are compared with its list `SHA256SUMS`, if there is one, and the provenance then says "verified".
 *
 * With `data: "auto"` the default folder is used if it has the data; else the archive is downloaded
 * to it; else, only if the server cannot be reached or `offline` is set, the stand-in is made, and its
 * `synthetic` flag and provenance say so. A given folder without the data, and a wrong checksum, are
 * always errors.
 *
 * @param options Where to look, and whom to tell.
 * @returns Training and test images `[count, 32, 32, 3]`.
 * @throws {Error} If a given folder lacks a file, or a file is damaged.
 * @throws {ChecksumError} If an archive differs from the published one.
 * @throws {DownloadError} If the server was reached but the download failed.
 *
 * @example
 * ```ts
 * import { loadCifar10 } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = await loadCifar10({ data: "synthetic", syntheticTrainCount: 50 });
 * assertEquals(train.count, 50);
 * assertEquals(train.synthetic, true);
 * ```
 */
export async function loadCifar10(options: Cifar10Options = {}): Promise<ImageSplits> {
  requireOptions("loadCifar10", options, kinds.cifar10);
  const { data = "auto", archive = CIFAR10_ARCHIVE } = options;
  const layout = { ...CIFAR10_LAYOUT, archive };
  if (data === "synthetic") return await standIn(options, "asked for");
  if (data !== "auto") return await loadCifarFrom(data, layout);
  try {
    return await fetchCifar(layout, options);
  } catch (error) {
    if (!(error instanceof NetworkUnavailableError)) throw error;
    const folder = options.defaultDirectory ?? dataDirectory();
    if (options.offline) {
      return standIn(options, `no CIFAR-10 in ${folder}, and asked to stay offline`);
    }
    options.onMessage?.(`${error.message} Using a procedural stand-in, NOT CIFAR-10.`);
    const { host } = new URL(archive.url);
    return standIn(options, `no CIFAR-10 in ${folder}, and ${host} cannot be reached`);
  }
}
