import { createHash } from "node:crypto";
import { readRegularFile } from "./regular_file.ts";
import { sha256File } from "./sha256_file.ts";
import { ChecksumError } from "./verify_file.ts";

/** Name of a list of hashes, in the form that `sha256sum` writes and checks. */
export const HASH_LIST = "SHA256SUMS";

/** Splits a path at its last separator. */
function split(path: string): { folder: string; name: string } {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return { folder: at < 0 ? "." : path.slice(0, at) || "/", name: path.slice(at + 1) };
}

/** The hashes that a folder's list gives by name; none without a list. */
async function readList(folder: string): Promise<Map<string, string>> {
  const path = `${folder}/${HASH_LIST}`;
  let text;
  try {
    text = new TextDecoder().decode(await readRegularFile(path, 1 << 24));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw error;
  }
  const hashes = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "") continue;
    const parts = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/i.exec(line);
    if (parts === null) {
      throw new Error(
        `Cannot read ${path}: line ${
          index + 1
        } is not a hash and a name, expected what sha256sum writes. Write the list again or remove it.`,
      );
    }
    hashes.set(parts[2]!, parts[1]!.toLowerCase());
  }
  return hashes;
}

/**
 * Finds the SHA-256 that a file should have: in a list `SHA256SUMS` of its folder or of a folder above
 * it, or in the name of the blob that a link of the Hugging Face cache points to.
 *
 * @param path The file.
 * @param root The last folder above it to look into; only its own folder unless told.
 * @returns 64 lower-case hexadecimal digits and where they stand, or `undefined`.
 * @throws {Error} If a list cannot be read.
 */
export async function listedHash(
  path: string,
  root?: string,
): Promise<{ sha256: string; list: string } | undefined> {
  const last = root?.replace(/(?<=.)[\\/]+$/, "");
  let { folder, name } = split(path);
  for (;;) {
    const sha256 = (await readList(folder)).get(name);
    if (sha256 !== undefined) return { sha256, list: HASH_LIST };
    if (last === undefined || folder === last || !folder.startsWith(last)) break;
    const above = split(folder);
    name = `${above.name}/${name}`;
    folder = above.folder;
  }
  if (!(await Deno.lstat(path)).isSymlink) return undefined;
  const blob = split(await Deno.readLink(path)).name;
  return /^[0-9a-f]{64}$/.test(blob) ? { sha256: blob, list: "its name in the cache" } : undefined;
}

/**
 * Checks a file against the hash that is listed for it, if there is one.
 *
 * @param path The file.
 * @param options Its content, if that is in memory; and the last folder above to look into.
 * @returns Where the hash stands, or `undefined` if none is listed.
 * @throws {ChecksumError} If the file has another hash.
 */
export async function verifyListed(
  path: string,
  options: { bytes?: Uint8Array; root?: string } = {},
): Promise<string | undefined> {
  const listed = await listedHash(path, options.root);
  if (listed === undefined) return undefined;
  const found = options.bytes === undefined
    ? await sha256File(path)
    : createHash("sha256").update(options.bytes).digest("hex");
  if (found !== listed.sha256) {
    throw new ChecksumError(
      `Cannot use ${path}: found SHA-256 ${found}, expected ${listed.sha256} by ${listed.list}. Remove the file and fetch it again.`,
    );
  }
  return listed.list;
}
