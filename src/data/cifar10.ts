import {
  CIFAR10_TEST_FILE,
  CIFAR10_TRAIN_FILES,
  type Cifar10Content,
  findCifar10,
  readCifar10,
} from "./cifar10_files.ts";
import { CIFAR10_RECORD_BYTES, decodeCifar10Records } from "./cifar10_records.ts";
import { dataDirectory } from "./data_directory.ts";
import { downloadFile, type DownloadProgress, NetworkUnavailableError } from "./download_file.ts";
import type { ImageDataset, ImageSource, ImageSplits } from "./image_dataset.ts";
import { syntheticImages } from "./synthetic_images.ts";
import type { ExpectedFile } from "./verify_file.ts";

/** A published archive. */
export interface PublishedArchive extends ExpectedFile {
  /** Address. */
  readonly url: string;
}

/** The official archive of CIFAR-10's binary version. */
export const CIFAR10_ARCHIVE: PublishedArchive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  size: 170052171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

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
  /** Ends a download early. */
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
function standIn(options: Cifar10Options, reason: string): ImageSplits {
  const splits = syntheticImages({
    seed: options.syntheticSeed ?? 0,
    trainCount: options.syntheticTrainCount ?? 10_000,
    testCount: options.syntheticTestCount ?? 2_000,
  });
  const explain = (dataset: ImageDataset): ImageDataset => ({
    ...dataset,
    provenance: `NOT CIFAR-10 but a ${dataset.provenance} (${reason})`,
  });
  return { train: explain(splits.train), test: explain(splits.test) };
}

/** Records of files as text: `1017` if equal, else `1000+1017`. */
function recordCounts(files: ReadonlyMap<string, Uint8Array>): string {
  const counts = [...files.values()].map((bytes) => bytes.length / CIFAR10_RECORD_BYTES);
  if (counts.length === 1) return "1 file";
  const equal = counts.every((count) => count === counts[0]);
  return equal ? `${counts.length} files of ${counts[0]}` : counts.join(" + ");
}

/** Makes one part of the data set from its files. */
function part(content: Cifar10Content, { names, title, path, source }: {
  names: readonly string[];
  title: string;
  path: string;
  source: ImageSource;
}): ImageDataset {
  const files = new Map(names.map((name) => [name, content.files.get(name)!]));
  let records;
  try {
    records = decodeCifar10Records(files);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot load CIFAR-10 from ${path}. ${error.message}`, { cause: error });
  }
  const count = records.labels.length;
  return {
    name: "cifar-10",
    ...records,
    count,
    height: 32,
    width: 32,
    channels: 3,
    classNames: content.classNames,
    source,
    provenance: `CIFAR-10 ${title}: ${count} images (${recordCounts(files)}) from ${path}${
      content.verified ? ", verified by SHA-256" : ""
    }`,
    synthetic: false,
  };
}

/** Loads the two parts from a folder or archive that was found. */
async function load(
  place: Parameters<typeof readCifar10>[0],
  { archive, source }: { archive: PublishedArchive; source: ImageSource },
): Promise<ImageSplits> {
  const content = await readCifar10(place, archive);
  const { path } = place;
  return {
    train: part(content, { names: CIFAR10_TRAIN_FILES, title: "training", path, source }),
    test: part(content, { names: [CIFAR10_TEST_FILE], title: "test", path, source }),
  };
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
 * `synthetic` flag and provenance say so. A given folder without the data, and a wrong checksum, are always errors.
 *
 * @param options Where to look, and whom to tell.
 * @returns Training and test images `[count, 32, 32, 3]`.
 * @throws {Error} If a given folder lacks a file, or a file is damaged.
 * @throws {ChecksumError} If an archive differs from the published one.
 * @throws {DownloadError} If the server was reached but the download failed.
 *
 * @example
 * ```ts
 * import { loadCifar10 } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = await loadCifar10({ data: "synthetic", syntheticTrainCount: 50 });
 * assertEquals(train.count, 50);
 * assertEquals(train.synthetic, true);
 * ```
 */
export async function loadCifar10(options: Cifar10Options = {}): Promise<ImageSplits> {
  const { data = "auto", archive = CIFAR10_ARCHIVE } = options;
  const archiveName = new URL(archive.url).pathname.split("/").pop()!;
  if (data === "synthetic") return standIn(options, "asked for");
  if (data !== "auto") {
    const { place, missing } = await findCifar10(data, archiveName);
    if (place === undefined) {
      throw new Error(
        `Cannot load CIFAR-10 from ${data}: ${missing}, expected ${
          [...CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE].join(", ")
        } in it or in cifar-10-batches-bin, or ${archiveName}. Name another folder, or use "auto" to download or "synthetic" for a procedural stand-in.`,
      );
    }
    return await load(place, { archive, source: "folder" });
  }
  const folder = options.defaultDirectory ?? dataDirectory();
  const { place, missing } = await findCifar10(folder, archiveName);
  if (place !== undefined) return await load(place, { archive, source: "folder" });
  if (options.offline) {
    return standIn(options, `no CIFAR-10 in ${folder}, and asked to stay offline`);
  }
  const destination = `${folder}/${archiveName}`;
  options.onMessage?.(
    `No CIFAR-10 in ${folder} (${missing}): downloading ${archive.url}, ${archive.size} bytes, SHA-256 ${archive.sha256}.`,
  );
  try {
    await downloadFile({
      ...archive,
      destination,
      ...(options.onProgress && { onProgress: options.onProgress }),
      ...(options.signal && { signal: options.signal }),
      ...(options.responseTimeout !== undefined && { responseTimeout: options.responseTimeout }),
    });
  } catch (error) {
    if (!(error instanceof NetworkUnavailableError)) throw error;
    options.onMessage?.(`${error.message} Using a procedural stand-in, NOT CIFAR-10.`);
    const { host } = new URL(archive.url);
    return standIn(options, `no CIFAR-10 in ${folder}, and ${host} cannot be reached`);
  }
  return await load({ kind: "archive", path: destination }, { archive, source: "download" });
}
