import { type CifarLayout, MOST_CIFAR_BYTES } from "./cifar_layout.ts";
import { verifyListed } from "./hash_list.ts";
import { readTar } from "./read_tar.ts";
import { readRegularFile } from "./regular_file.ts";
import { verifyFile } from "./verify_file.ts";

/** Most bytes of a file of class names, and of the decompressed archive. */
const MOST_NAMES_BYTES = 1 << 16;
const MOST_ARCHIVE_BYTES = 2 * MOST_CIFAR_BYTES;

/** All record files. */
const recordFiles = ({ trainFiles, testFile }: CifarLayout) => [...trainFiles, testFile];

/** Where a set of files was found. */
export type CifarPlace =
  | { readonly kind: "files"; readonly path: string }
  | { readonly kind: "archive"; readonly path: string };

/** What a search found: a complete place, or the reason why there is none. */
export type CifarSearch =
  | { readonly place: CifarPlace; readonly missing?: undefined }
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
async function missingFiles(folder: string, layout: CifarLayout): Promise<string[]> {
  const names = recordFiles(layout);
  const kinds = await Promise.all(names.map((name) => kindOf(`${folder}/${name}`)));
  return names.filter((_, index) => kinds[index] !== "file");
}

/** Name of the file that an archive is downloaded to. */
export function archiveName({ url }: { readonly url: string }): string {
  return new URL(url).pathname.split("/").pop()!;
}

/**
 * Looks for a member of the CIFAR family in a folder: the record files in it or in the folder that
 * the archive has, else the archive. A path that is itself a file counts as the archive.
 *
 * @param path Folder, or archive.
 * @param layout The member of the family.
 * @returns The place, or what is missing.
 */
export async function findCifar(path: string, layout: CifarLayout): Promise<CifarSearch> {
  const kind = await kindOf(path);
  if (kind === undefined) return { missing: "no such folder" };
  if (kind === "file") return { place: { kind: "archive", path } };
  let missing = "none of its files";
  for (const folder of [path, `${path}/${layout.folder}`]) {
    const names = await missingFiles(folder, layout);
    if (names.length === 0) return { place: { kind: "files", path: folder } };
    if (names.length < recordFiles(layout).length) {
      missing = `${folder} without ${names.join(", ")}`;
    }
  }
  const archive = `${path}/${archiveName(layout.archive)}`;
  if (await kindOf(archive) === "file") return { place: { kind: "archive", path: archive } };
  return { missing };
}

/** Reads the record files, and the class names if there, out of an archive. */
async function readArchive(path: string, layout: CifarLayout): Promise<Map<string, Uint8Array>> {
  const { archive, folder, namesFile, title } = layout;
  await verifyFile(path, archive);
  const files = new Map<string, Uint8Array>();
  const file = await Deno.open(path);
  const baseName = (entry: string) =>
    entry.startsWith(`${folder}/`) ? entry.slice(folder.length + 1) : entry;
  const names = [...recordFiles(layout), namesFile];
  const wanted = (entry: string) => names.includes(baseName(entry));
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
  const missing = recordFiles(layout).filter((name) => !files.has(name));
  if (missing.length > 0) {
    throw new Error(
      `Cannot load ${title} from ${path}: the archive lacks ${
        missing.join(", ")
      }, expected the binary version. Fetch ${archiveName(archive)}.`,
    );
  }
  return files;
}

/** Reads the record files, and the class names if there, of a folder. */
async function readFolder(
  path: string,
  layout: CifarLayout,
): Promise<{ files: Map<string, Uint8Array>; verified: boolean }> {
  const files = new Map<string, Uint8Array>();
  let verified = true;
  const { namesFile } = layout;
  const hasNames = await kindOf(`${path}/${namesFile}`) === "file";
  for (const name of [...recordFiles(layout), ...(hasNames ? [namesFile] : [])]) {
    const file = `${path}/${name}`;
    const most = name === namesFile ? MOST_NAMES_BYTES : MOST_CIFAR_BYTES;
    const bytes = await readRegularFile(file, most);
    verified = await verifyListed(file, { bytes }) !== undefined && verified;
    files.set(name, bytes);
  }
  return { files, verified };
}

/** Content of a place. */
export interface CifarContent {
  /** Record files by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of the classes. */
  readonly classNames: readonly string[];
  /** Whether every file was compared with a published or listed hash. */
  readonly verified: boolean;
}

/**
 * Reads all files of a place.
 *
 * @param place What {@linkcode findCifar} found.
 * @param layout The member of the family, with the published size and hash of its archive.
 * @returns Record files and class names.
 * @throws {ChecksumError} If an archive differs from the published one.
 * @throws {Error} If the archive is damaged or incomplete, or class names are missing or twice the
 * same.
 */
export async function readCifar(place: CifarPlace, layout: CifarLayout): Promise<CifarContent> {
  const { files, verified } = place.kind === "archive"
    ? { files: await readArchive(place.path, layout), verified: true }
    : await readFolder(place.path, layout);
  const { namesFile, classNames: official } = layout;
  const list = files.get(namesFile);
  files.delete(namesFile);
  if (list === undefined) return { files, verified, classNames: official };
  const classNames = new TextDecoder().decode(list).split(/\r?\n/).filter((line) => line !== "");
  const different = new Set(classNames).size;
  if (different !== official.length || classNames.length !== different) {
    throw new Error(
      `Cannot read ${namesFile} of ${place.path}: ${different} class names, expected ${official.length}. Correct or remove that file.`,
    );
  }
  return { files, verified, classNames };
}
