import { dataDirectory } from "./data_directory.ts";
import { DownloadError, downloadFile, NetworkUnavailableError } from "./download_file.ts";
import { type HubFile, listHubFiles, readHubFile } from "./hub_files.ts";
import { downloadOptions, type FetchOptions, offlineMessage } from "./load_cifar.ts";
import type { PublishedSet } from "./published_sets.ts";
import { readRegularFile, regularFileSize } from "./regular_file.ts";

/** Shards of a published data set on this machine. */
export interface FetchedSet {
  /** Paths by part, in order. */
  readonly paths: { readonly train: readonly string[]; readonly test: readonly string[] };
  /** Hashes by part, in the same order. */
  readonly sha256: { readonly train: readonly string[]; readonly test: readonly string[] };
  /** Where they come from: name on the hub and commit. */
  readonly origin: string;
  /** Whether anything was downloaded. */
  readonly downloaded: boolean;
}

/** Address of the Hugging Face hub. */
export const HUB: string = "https://huggingface.co";

/** File that keeps what the hub listed, beside the shards. */
const LIST = "files.json";

/** What the hub listed at a commit. */
interface Listing {
  readonly revision: string;
  readonly files: readonly HubFile[];
}

/** Reads the list of an earlier download. */
async function readListing(path: string): Promise<Listing | undefined> {
  let text;
  try {
    text = new TextDecoder().decode(await readRegularFile(path, 1 << 24));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const { revision, files } = JSON.parse(text);
    const entries = (files as unknown[]).map(readHubFile);
    if (typeof revision !== "string" || entries.includes(undefined)) {
      throw new Error("no such list");
    }
    return { revision, files: entries as HubFile[] };
  } catch (error) {
    throw new Error(
      `Cannot read ${path}: ${
        (error as Error).message
      }, expected the list of a download. Remove the file: it is fetched again.`,
      { cause: error },
    );
  }
}

/** Keeps a list, in the form of the hub. */
async function keepListing(path: string, { revision, files }: Listing): Promise<void> {
  const entries = files.map(({ path, size, sha256 }) => ({ path, lfs: { size, oid: sha256 } }));
  const partial = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(
      partial,
      `${JSON.stringify({ revision, files: entries }, null, 1)}\n`,
    );
    await Deno.rename(partial, path);
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) throw cause;
    await Deno.remove(partial).catch(() => undefined);
    throw new DownloadError(
      `Cannot keep ${path}: ${cause.message}, expected a folder that can be written to and has room. ` +
        `Choose another folder.`,
      { cause },
    );
  }
}

/** The shards of a part, which must be all there are by their names. */
function shardsOf(part: string, { set, files }: {
  set: PublishedSet;
  files: readonly HubFile[];
}): HubFile[] {
  const name = /-(\d{5})-of-(\d{5})(?:-[0-9a-f]{16})?\.parquet$/;
  const shards = files
    .filter(({ path }) => path.startsWith(`${set.folder}/${part}-`) && name.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const complete = shards.every(({ path }, index) => {
    const [, own, all] = name.exec(path)!;
    return Number(own) === index && Number(all) === shards.length;
  });
  if (shards.length > 0 && complete) return shards;
  throw new Error(
    `Cannot use ${set.id}: ${shards.length} shards ${set.folder}/${part}-* are listed, expected all of them once. Fetch the files by other means and name their folder.`,
  );
}

/** Whether a file of this size is there; its hash is looked at when it is read. */
async function isThere(path: string, size: number): Promise<boolean> {
  try {
    return await regularFileSize(path) === size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Finds a published data set in the data folder, or downloads what is missing of it.
 *
 * Files lie in a folder of the data set's name, as on the hub. Every download is continued where it
 * stopped, and compared with size and hash. Where no hashes are published here, those of the hub's
 * list are kept in `files.json` with its commit, so that later runs use the same files.
 *
 * @param set Which data set.
 * @param options Where, and whom to tell; `endpoint`: address of the hub.
 * @returns Paths and hashes of the shards.
 * @throws {NetworkUnavailableError} If something is missing and the hub cannot or may not be reached.
 * @throws {DownloadError} If the hub refuses, as for data sets whose terms must be accepted.
 * @throws {ChecksumError} If a file differs from its hash.
 */
export async function fetchHubSet(
  set: PublishedSet,
  options: FetchOptions & { readonly endpoint?: string } = {},
): Promise<FetchedSet> {
  const { endpoint = HUB, onMessage, onProgress } = options;
  const root = `${options.defaultDirectory ?? dataDirectory()}/${set.name}`;
  let listing = await readListing(`${root}/${LIST}`);
  if (listing === undefined && set.files !== undefined) {
    listing = { revision: set.revision, files: set.files };
  }
  if (listing === undefined) {
    if (options.offline) {
      throw new NetworkUnavailableError(offlineMessage(`${set.name} in ${root}`));
    }
    onMessage?.(`No ${set.name} in ${root}: asking ${endpoint} for the files of ${set.id}.`);
    listing = await listHubFiles({ ...set, endpoint }, options);
    await keepListing(`${root}/${LIST}`, listing);
  }
  const { revision, files } = listing;
  const parts = {
    train: shardsOf(set.train, { set, files }),
    test: shardsOf(set.test, { set, files }),
  };
  const missing: HubFile[] = [];
  for (const file of [...parts.train, ...parts.test]) {
    if (!await isThere(`${root}/${file.path}`, file.size)) missing.push(file);
  }
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  if (missing.length > 0) {
    const what = `${missing.length} files of ${set.id} at ${revision}`;
    if (options.offline) throw new NetworkUnavailableError(offlineMessage(`${what} in ${root}`));
    onMessage?.(`Downloading ${what} from ${endpoint}, ${total} bytes, to ${root}.`);
  }
  let done = 0;
  for (const { path, size, sha256 } of missing) {
    await downloadFile({
      ...downloadOptions(options),
      url: `${endpoint}/datasets/${set.id}/resolve/${revision}/${path}`,
      destination: `${root}/${path}`,
      size,
      sha256,
      onProgress: (progress) => onProgress?.({ ...progress, bytes: done + progress.bytes, total }),
    });
    done += size;
  }
  const pick = <T>(of: (file: HubFile) => T) => ({
    train: parts.train.map(of),
    test: parts.test.map(of),
  });
  return {
    paths: pick(({ path }) => `${root}/${path}`),
    sha256: pick(({ sha256 }) => sha256),
    origin: `${set.id} at ${revision}`,
    downloaded: missing.length > 0,
  };
}
