/** A file of a tar archive. */
export interface TarFile {
  /** Path inside of the archive, relative and without `..`. */
  readonly path: string;
  /** Content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Takes a stream of pieces apart by length. */
class StreamCutter {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #piece: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
  }

  /** Passes the next `length` bytes to `use`, piece by piece. */
  async forward(length: number, use: (piece: Uint8Array<ArrayBuffer>) => void): Promise<void> {
    for (let left = length; left > 0;) {
      if (this.#piece.length === 0) {
        const { value } = await this.#reader.read();
        if (value === undefined) {
          throw new Error(
            `Cannot read a tar archive: it ends ${left} bytes early, expected a closing block. Fetch it again.`,
          );
        }
        this.#piece = value;
      }
      const piece = this.#piece.subarray(0, left);
      this.#piece = this.#piece.subarray(piece.length);
      left -= piece.length;
      use(piece);
    }
  }

  /** Reads the next `length` bytes. */
  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    let at = 0;
    await this.forward(length, (piece) => {
      bytes.set(piece, at);
      at += piece.length;
    });
    return bytes;
  }

  /** Ends the reading. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/** Text of a field that ends at its first zero byte. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Number of an octal field, or of a GNU base-256 field. */
function number(field: Uint8Array): number {
  if (field[0]! & 0x80) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  const digits = text(field).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || "0", 8) : NaN;
}

/** Value of `path` in a pax header: records "length path=value\n". */
function paxPath(header: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(header))?.[1];
}

/** Header fields of one entry, checked. */
function parseHeader(block: Uint8Array): { path: string; size: number; type: string } {
  const size = number(block.subarray(124, 136));
  // The checksum counts its own field as spaces.
  const sum = block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== number(block.subarray(148, 156)) || !Number.isSafeInteger(size)) {
    throw new Error(
      `Cannot read a tar archive: a header with checksum ${sum} and size ${size}, expected a valid ustar header. Fetch the archive again.`,
    );
  }
  const ustar = text(block.subarray(257, 262)) === "ustar" && block[262] === 0;
  const prefix = ustar ? text(block.subarray(345, 500)) : "";
  const name = text(block.subarray(0, 100));
  const type = String.fromCharCode(block[156]!);
  return { path: prefix === "" ? name : `${prefix}/${name}`, size, type };
}

/**
 * Reads files out of a tar stream (ustar, with pax and GNU long names), one in memory at a time.
 *
 * Links, devices and folders are passed over; nothing is written to disk.
 *
 * @param stream The archive, already decompressed.
 * @param wanted Tells which files to read by path; the others are skipped.
 * @returns The wanted files in the order of the archive.
 * @throws {Error} If a header is damaged, the stream ends early, or a path is absolute or has `..`.
 */
export async function* readTar(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  wanted: (path: string) => boolean,
): AsyncGenerator<TarFile> {
  const cutter = new StreamCutter(stream);
  let longPath: string | undefined;
  try {
    for (;;) {
      const block = await cutter.read(512);
      if (block.every((byte) => byte === 0)) return;
      const { path: shortPath, size, type } = parseHeader(block);
      const padding = (512 - (size % 512)) % 512;
      if (type === "x" || type === "L") {
        const header = await cutter.read(size);
        longPath = type === "L" ? text(header) : paxPath(header) ?? longPath;
      } else {
        const path = (longPath ?? shortPath).replace(/^(\.\/)+/, "");
        longPath = undefined;
        if (/^([\\/]|[A-Za-z]:)/.test(path) || path.split(/[\\/]/).includes("..")) {
          throw new Error(
            `Cannot read a tar archive: path "${path}", expected a path inside of the archive. Do not use this archive.`,
          );
        }
        const regular = type === "0" || type === "\0" || type === "7";
        if (regular && wanted(path)) yield { path, bytes: await cutter.read(size) };
        else await cutter.forward(size, () => {});
      }
      await cutter.forward(padding, () => {});
    }
  } finally {
    await cutter.cancel();
  }
}
