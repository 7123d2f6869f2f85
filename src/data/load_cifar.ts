import { archiveName, type CifarContent, findCifar, readCifar } from "./cifar_files.ts";
import { type CifarLayout, cifarRecordBytes } from "./cifar_layout.ts";
import { decodeCifarRecords } from "./cifar_records.ts";
import { dataDirectory } from "./data_directory.ts";
import { downloadFile, type DownloadProgress, NetworkUnavailableError } from "./download_file.ts";
import type { ImageDataset, ImageSource, ImageSplits } from "./image_dataset.ts";

/** Where to look for data, where to download to, and whom to tell. */
export interface FetchOptions {
  /** Whether nothing may be downloaded. */
  readonly offline?: boolean;
  /** Folder where data are looked for and downloaded to; {@linkcode dataDirectory} unless told. */
  readonly defaultDirectory?: string;
  /** Told how far a download is, at most ten times a second. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Told in one line what is about to take time, or was decided. */
  readonly onMessage?: (line: string) => void;
  /** Ends a download early. */
  readonly signal?: AbortSignal;
  /** Longest wait for the server's first answer in milliseconds, 20,000 unless told. */
  readonly responseTimeout?: number;
}

/** The options of a download among those of a fetch. */
export function downloadOptions(
  { onProgress, signal, responseTimeout }: FetchOptions,
): FetchOptions {
  return {
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
    ...(responseTimeout !== undefined && { responseTimeout }),
  };
}

/** What is said where files are missing and nothing may be downloaded. */
export function offlineMessage(what: string): string {
  return `Cannot load images: no ${what}, and asked to stay offline, expected the files there. Fetch them, or allow the download.`;
}

/** Records of files as text: `5 files of 1017` if equal, else `1000 + 1017`. */
function recordCounts(files: ReadonlyMap<string, Uint8Array>, bytes: number): string {
  const counts = [...files.values()].map(({ length }) => length / bytes);
  if (counts.length === 1) return "1 file";
  const equal = counts.every((count) => count === counts[0]);
  return equal ? `${counts.length} files of ${counts[0]}` : counts.join(" + ");
}

/** Makes one part of the data set from its files. */
function part(content: CifarContent, { names, part, path, source, layout }: {
  names: readonly string[];
  part: string;
  path: string;
  source: ImageSource;
  layout: CifarLayout;
}): ImageDataset {
  const { name, title } = layout;
  const files = new Map(names.map((file) => [file, content.files.get(file)!]));
  let records;
  try {
    records = decodeCifarRecords(files, layout);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot load ${title} from ${path}. ${error.message}`, { cause: error });
  }
  const count = records.labels.length;
  return {
    name,
    ...records,
    count,
    height: 32,
    width: 32,
    channels: 3,
    classNames: content.classNames,
    source,
    provenance: `${title} ${part}: ${count} images (${
      recordCounts(files, cifarRecordBytes(layout))
    }) from ${path}${content.verified ? ", verified by SHA-256" : ""}`,
    synthetic: false,
  };
}

/** Loads the two parts from a folder or archive that was found. */
async function load(
  place: Parameters<typeof readCifar>[0],
  { layout, source }: { layout: CifarLayout; source: ImageSource },
): Promise<ImageSplits> {
  const content = await readCifar(place, layout);
  const { path } = place;
  const { trainFiles, testFile } = layout;
  return {
    train: part(content, { names: trainFiles, part: "training", path, source, layout }),
    test: part(content, { names: [testFile], part: "test", path, source, layout }),
  };
}

/**
 * Loads a member of the CIFAR family from a given folder or archive.
 *
 * @param path Folder or archive.
 * @param layout The member of the family.
 * @returns Training and test images.
 * @throws {Error} If it lacks a file, or a file is damaged.
 */
export async function loadCifarFrom(path: string, layout: CifarLayout): Promise<ImageSplits> {
  const { place, missing } = await findCifar(path, layout);
  if (place !== undefined) return await load(place, { layout, source: "folder" });
  const { title, folder, trainFiles, testFile, archive } = layout;
  throw new Error(
    `Cannot load ${title} from ${path}: ${missing}, expected ${
      [...trainFiles, testFile].join(", ")
    } in it or in ${folder}, or ${
      archiveName(archive)
    }. Name another folder, or use "auto" to download or "synthetic" for a procedural stand-in.`,
  );
}

/**
 * Loads a member of the CIFAR family from the default folder, to which its archive is downloaded if
 * it is not there.
 *
 * @param layout The member of the family.
 * @param options Where, and whom to tell.
 * @returns Training and test images.
 * @throws {NetworkUnavailableError} If it is not there and the server cannot or may not be reached.
 * @throws {Error} If a file is damaged, or the download fails otherwise.
 */
export async function fetchCifar(layout: CifarLayout, options: FetchOptions): Promise<ImageSplits> {
  const { archive, title } = layout;
  const folder = options.defaultDirectory ?? dataDirectory();
  const { place, missing } = await findCifar(folder, layout);
  if (place !== undefined) return await load(place, { layout, source: "folder" });
  if (options.offline) throw new NetworkUnavailableError(offlineMessage(`${title} in ${folder}`));
  const destination = `${folder}/${archiveName(archive)}`;
  options.onMessage?.(
    `No ${title} in ${folder} (${missing}): downloading ${archive.url}, ${archive.size} bytes, SHA-256 ${archive.sha256}.`,
  );
  await downloadFile({ ...archive, destination, ...downloadOptions(options) });
  return await load({ kind: "archive", path: destination }, { layout, source: "download" });
}
