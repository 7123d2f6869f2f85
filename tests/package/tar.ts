/** As much of tar as `deno publish` writes. @module */

const BLOCK = 512;

/**
 * Reads an archive of plain files.
 *
 * @param bytes The archive, not compressed.
 * @returns Contents by path, each beginning with a slash.
 */
export function extractTar(bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const text = (from: number, length: number): string =>
      new TextDecoder().decode(bytes.subarray(at + from, at + from + length)).split("\0")[0]!;
    const size = parseInt(text(124, 12), 8);
    const content = bytes.slice(at + BLOCK, at + BLOCK + size);
    const kind = text(156, 1);
    if (kind === "L") {
      longName = new TextDecoder().decode(content).split("\0")[0];
    } else if (kind === "0" || kind === "") {
      const prefix = text(345, 155);
      const name = longName ?? (prefix ? `${prefix}/` : "") + text(0, 100);
      files.set(`/${name.replace(/^\.?\//, "")}`, content);
      longName = undefined;
    } else {
      throw new Error(`Cannot read the archive: found an entry of kind "${kind}".`);
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** Bytes as lower-case hexadecimal digits. */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
