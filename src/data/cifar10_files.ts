import { verifyListed } from "./hash_list.ts";
import { readTar } from "./read_tar.ts";
import { readRegularFile } from "./regular_file.ts";
import { type ExpectedFile, verifyFile } from "./verify_file.ts";

/** Folder inside of the official archive. */
const FOLDER = "cifar-10-batches-bin";
const META_FILE = "batches.meta.txt";

/** The five training files. */
export const CIFAR10_TRAIN_FILES: readonly string[] = [1, 2, 3, 4, 5].map((number) =>
  `data_batch_${number}.bin`
);

/** The test file. */
export const CIFAR10_TEST_FILE = "test_batch.bin";

/** Most bytes of a record file, of `batches.meta.txt`, and of the archive; twice the published. */
const MOST_RECORD_BYTES = 61_460_000;
const MOST_META_BYTES = 1 << 16;
const MOST_ARCHIVE_BYTES = 6 * MOST_RECORD_BYTES;

const RECORD_FILES: readonly string[] = [...CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE];

/** Where a set of files was found. */
export type Cifar10Place =
  | { readonly kind: "files"; readonly path: string }
  | { readonly kind: "archive"; readonly path: string };

/** What a search found: a complete place, or the reason why there is none. */
export type Cifar10Search =
  | { readonly place: Cifar10Place; readonly missing?: undefined }
  | { readonly place?: undefined; readonly missing: string };

/** Kind of a path, `undefined` if there is nothing. */
async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await Deno.stat(path)).isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

/** The record files that a folder lacks. */
async function missingFiles(folder: string): Promise<string[]> {
  const kinds = await Promise.all(RECORD_FILES.map((name) => kindOf(`${folder}/${name}`)));
  return RECORD_FILES.filter((_, index) => kinds[index] !== "file");
}

/**
 * Looks for CIFAR-10 in a folder: the record files in it or in its `cifar-10-batches-bin`, else the
 * archive. A path that is itself a file counts as the archive.
 *
 * @param path Folder, or archive.
 * @param archiveName File name of the archive.
 * @returns The place, or what is missing.
 */
export async function findCifar10(path: string, archiveName: string): Promise<Cifar10Search> {
  const kind = await kindOf(path);
  if (kind === undefined) return { missing: "no such folder" };
  if (kind === "file") return { place: { kind: "archive", path } };
  let missing = "none of its files";
  for (const folder of [path, `${path}/${FOLDER}`]) {
    const names = await missingFiles(folder);
    if (names.length === 0) return { place: { kind: "files", path: folder } };
    if (names.length < RECORD_FILES.length) missing = `${folder} without ${names.join(", ")}`;
  }
  const archive = `${path}/${archiveName}`;
  if (await kindOf(archive) === "file") return { place: { kind: "archive", path: archive } };
  return { missing };
}

/** Reads the record files, and the class names if there, out of an archive. */
async function readArchive(path: string, expected: ExpectedFile): Promise<Map<string, Uint8Array>> {
  await verifyFile(path, expected);
  const files = new Map<string, Uint8Array>();
  const file = await Deno.open(path);
  const baseName = (entry: string) =>
    entry.startsWith(`${FOLDER}/`) ? entry.slice(FOLDER.length + 1) : entry;
  const wanted = (entry: string) => [...RECORD_FILES, META_FILE].includes(baseName(entry));
  const stream = file.readable.pipeThrough(new DecompressionStream("gzip"));
  try {
    for await (const entry of readTar(stream, { wanted, mostBytes: MOST_ARCHIVE_BYTES })) {
      const name = baseName(entry.path);
      if (files.has(name)) throw new Error(`two files ${name}, expected one`);
      files.set(name, entry.bytes);
    }
  } catch (error) {
    throw new Error(
      `Cannot unpack ${path}: ${
        error instanceof Error ? error.message : error
      }. Expected a gzip-compressed tar archive; fetch it again.`,
      { cause: error },
    );
  }
  const missing = RECORD_FILES.filter((name) => !files.has(name));
  if (missing.length > 0) {
    throw new Error(
      `Cannot load CIFAR-10 from ${path}: the archive lacks ${
        missing.join(", ")
      }, expected the binary version. Fetch cifar-10-binary.tar.gz.`,
    );
  }
  return files;
}

/** Reads the record files, and the class names if there, of a folder. */
async function readFolder(
  path: string,
): Promise<{ files: Map<string, Uint8Array>; verified: boolean }> {
  const files = new Map<string, Uint8Array>();
  let verified = true;
  const hasNames = await kindOf(`${path}/${META_FILE}`) === "file";
  for (const name of hasNames ? [...RECORD_FILES, META_FILE] : RECORD_FILES) {
    const file = `${path}/${name}`;
    const most = name === META_FILE ? MOST_META_BYTES : MOST_RECORD_BYTES;
    const bytes = await readRegularFile(file, most);
    verified = await verifyListed(file, { bytes }) !== undefined && verified;
    files.set(name, bytes);
  }
  return { files, verified };
}

/** Content of a place. */
export interface Cifar10Content {
  /** Record files by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of the ten classes. */
  readonly classNames: readonly string[];
  /** Whether every file was compared with a published or listed hash. */
  readonly verified: boolean;
}

/** Class names of the official `batches.meta.txt`. */
const CLASS_NAMES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/**
 * Reads all files of a place.
 *
 * @param place What {@linkcode findCifar10} found.
 * @param archive Published size and hash of the archive.
 * @returns Record files and class names.
 * @throws {ChecksumError} If an archive differs from the published one.
 * @throws {Error} If the archive is damaged or incomplete, or `batches.meta.txt` has not ten names.
 */
export async function readCifar10(
  place: Cifar10Place,
  archive: ExpectedFile,
): Promise<Cifar10Content> {
  const { files, verified } = place.kind === "archive"
    ? { files: await readArchive(place.path, archive), verified: true }
    : await readFolder(place.path);
  const meta = files.get(META_FILE);
  files.delete(META_FILE);
  if (meta === undefined) return { files, verified, classNames: CLASS_NAMES };
  const classNames = new TextDecoder().decode(meta).split(/\r?\n/).filter((line) => line !== "");
  if (new Set(classNames).size !== CLASS_NAMES.length || classNames.length !== CLASS_NAMES.length) {
    throw new Error(
      `Cannot read ${META_FILE} of ${place.path}: ${
        new Set(classNames).size
      } class names, expected ${CLASS_NAMES.length}. Correct or remove that file.`,
    );
  }
  return { files, verified, classNames };
}
