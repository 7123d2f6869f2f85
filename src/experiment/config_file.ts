/**
 * A configuration file as text and as values.
 *
 * @module
 */
import { fileError } from "../run/file_error.ts";
import { UsageError } from "./usage_error.ts";
import { readYaml, type YamlDocument } from "./yaml_source.ts";

/** More bytes than the longest configuration takes, so that a device file or a data set is not read on. */
const MOST_BYTES = 2 ** 20;

/**
 * Reads a configuration file.
 *
 * @param path The file.
 * @throws {UsageError} If it cannot be read, is no regular file, too long, or not valid YAML in UTF-8.
 */
export async function readConfigFile(path: string): Promise<YamlDocument> {
  let bytes: Uint8Array;
  try {
    bytes = await readSmallFile(path);
  } catch (cause) {
    throw new UsageError(fileError("read the configuration", { path, cause }).message, { cause });
  }
  return await readYaml(decodeConfig(bytes, path), path);
}

/**
 * Reads a small file, and not more of it than a configuration has.
 *
 * @param path The file.
 * @throws {Error} If it cannot be read, is no regular file (a pipe may never end), or holds more than a
 * megabyte.
 */
export async function readSmallFile(path: string | URL): Promise<Uint8Array> {
  if (!(await Deno.stat(path)).isFile) throw new Error("it is no regular file");
  using file = await Deno.open(path);
  const bytes = new Uint8Array(MOST_BYTES + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  if (length > MOST_BYTES) throw new Error(`it holds more than ${MOST_BYTES} bytes`);
  return bytes.subarray(0, length);
}

/**
 * Decodes UTF-8.
 *
 * @param bytes Content of the file.
 * @param file Its name, for messages.
 * @throws {UsageError} If it is not UTF-8.
 */
export function decodeConfig(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    // What cannot be decoded becomes this character; only a file that holds it anyway is pointed at earlier.
    const [before] = new TextDecoder().decode(bytes).split("\ufffd");
    const lines = before!.split("\n");
    throw new UsageError(
      `${file}:${lines.length}:${lines.at(-1)!.length + 1}: found bytes that are not UTF-8.`,
      { cause },
    );
  }
}
