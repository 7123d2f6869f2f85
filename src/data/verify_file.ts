import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { regularFileSize } from "./regular_file.ts";
import { sha256File } from "./sha256_file.ts";

/** A file that must arrive unchanged. */
export interface ExpectedFile {
  /** Length in bytes. */
  readonly size: number;
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string;
}

/**
 * A file has another size or content than the published one.
 *
 * @example
 * ```ts
 * import { ChecksumError, verifyFile } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await assertRejects(
 *   () => verifyFile(path, { size: 3, sha256: "0".repeat(64) }),
 *   ChecksumError,
 *   "found 0 bytes, expected 3",
 * );
 * await Deno.remove(path);
 * ```
 */
export class ChecksumError extends Error {
  /** Name of the error class. */
  override readonly name = "ChecksumError";
}

/**
 * Compares a file with the published one.
 *
 * @param path The file.
 * @param expected The published size and hash.
 * @returns What differs, as "found .., expected ..", or `undefined` if nothing does.
 */
export async function findMismatch(
  path: string,
  expected: ExpectedFile,
): Promise<string | undefined> {
  const size = await regularFileSize(path);
  if (size !== expected.size) return `found ${size} bytes, expected ${expected.size}`;
  const sha256 = await sha256File(path);
  if (sha256 === expected.sha256.toLowerCase()) return undefined;
  return `found SHA-256 ${sha256}, expected ${expected.sha256}`;
}

/**
 * Checks the size and the SHA-256 of a file.
 *
 * @param path The file.
 * @param expected The published size and hash.
 * @throws {ChecksumError} If one of the two differs; the message gives found and expected values.
 * @throws {Deno.errors.NotFound} If there is no such file.
 *
 * @example
 * ```ts
 * import { ChecksumError, verifyFile } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "abc");
 * const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
 * await verifyFile(path, { size: 3, sha256 });
 * await assertRejects(() => verifyFile(path, { size: 4, sha256 }), ChecksumError, "3 bytes");
 * await Deno.remove(path);
 * ```
 */
export async function verifyFile(path: string, expected: ExpectedFile): Promise<void> {
  requireArguments("verifyFile", { path, expected }, {
    path: is.name,
    expected: kinds.expectedFile,
  });
  const mismatch = await findMismatch(path, expected);
  if (mismatch === undefined) return;
  throw new ChecksumError(`Cannot use ${path}: ${mismatch}. Remove the file and fetch it again.`);
}
