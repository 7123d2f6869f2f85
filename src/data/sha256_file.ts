import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { createHash } from "node:crypto";
import { openRegularFile } from "./regular_file.ts";

/**
 * Hashes a file with SHA-256, reading it piece by piece.
 *
 * @param path The file.
 * @returns 64 lower-case hexadecimal digits.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If it is no regular file: a device may have no end.
 *
 * @example
 * ```ts
 * import { sha256File } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "abc");
 * assertEquals((await sha256File(path)).slice(0, 8), "ba7816bf");
 * await Deno.remove(path);
 * ```
 */
export async function sha256File(path: string): Promise<string> {
  requireArguments("sha256File", { path }, { path: is.name });
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 18);
  using open = await openRegularFile(path);
  const { file } = open;
  for (let read = await file.read(buffer); read !== null; read = await file.read(buffer)) {
    hash.update(buffer.subarray(0, read));
  }
  return hash.digest("hex");
}
