import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { cifar100Layout } from "./cifar_layout.ts";
import type { PublishedArchive } from "./cifar_layout.ts";
import type { DownloadProgress } from "./download_file.ts";
import type { ImageSplits } from "./image_dataset.ts";
import { fetchCifar, loadCifarFrom } from "./load_cifar.ts";

/** Options of {@linkcode loadCifar100}. */
export interface Cifar100Options {
  /** `"auto"` (the default), or a folder or archive that must hold CIFAR-100. */
  readonly data?: string;
  /** The hundred classes (`"fine"`, the default), or the twenty superclasses. */
  readonly labels?: "fine" | "coarse";
  /** Whether `auto` downloads nothing. */
  readonly offline?: boolean;
  /** Folder where `auto` looks and downloads to; {@linkcode dataDirectory} unless told. */
  readonly defaultDirectory?: string;
  /** The archive to download and to check against; {@linkcode CIFAR100_ARCHIVE} unless told. */
  readonly archive?: PublishedArchive;
  /** Told how far a download is, at most ten times a second. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Told in one line what is about to take time. */
  readonly onMessage?: (line: string) => void;
  /** Ends a download early. */
  readonly signal?: AbortSignal;
  /** Longest wait for the server's first answer in milliseconds, 20,000 unless told. */
  readonly responseTimeout?: number;
}

/**
 * Loads CIFAR-100 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) from
 * its official binary version.
 *
 * A folder holds `train.bin`, `test.bin` and perhaps `fine_label_names.txt` and
 * `coarse_label_names.txt`, directly or in `cifar-100-binary`, or else the official archive. The two
 * labels of every record must agree. With `data: "auto"` the archive is downloaded if it is not in
 * the default folder; there is no stand-in.
 *
 * @param options Where to look, which labels, and whom to tell.
 * @returns Training and test images `[count, 32, 32, 3]`.
 * @throws {Error} If a folder lacks a file, or a file is damaged.
 * @throws {ChecksumError} If an archive differs from the published one.
 * @throws {NetworkUnavailableError} If the archive is needed and the server cannot be reached.
 *
 * @example
 * ```ts
 * import { loadCifar100 } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => loadCifar100({ data: "no/such" }), Error, "no such folder");
 * ```
 */
export async function loadCifar100(options: Cifar100Options = {}): Promise<ImageSplits> {
  requireOptions("loadCifar100", options, kinds.cifar100);
  const { data = "auto", labels = "fine", archive } = options;
  const official = cifar100Layout(labels);
  const layout = { ...official, archive: archive ?? official.archive };
  return data === "auto" ? await fetchCifar(layout, options) : await loadCifarFrom(data, layout);
}
