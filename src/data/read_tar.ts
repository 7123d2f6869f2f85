/** A file of a tar archive. */
export interface TarFile {
  /** Path inside of the archive, relative and without `..`. */
  readonly path: string;
  /** Content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Options of {@linkcode readTar}. */
export interface ReadTarOptions {
  /** Tells which files to read by path; the others are skipped. */
  readonly wanted: (path: string) => boolean;
  /** Most bytes of the whole archive, decompressed. */
  readonly mostBytes: number;
}

/** Longest accepted pax or GNU header. */
const MOST_HEADER = 1 << 20;

/** Throws for a damaged archive. */
function fail(found: string, expected: string): never {
  throw new Error(
    `Cannot read a tar archive: ${found}, expected ${expected}. Fetch the archive again.`,
  );
}

/** Takes a stream of pieces apart by length. */
class StreamCutter {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #piece: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Bytes that may still come. */
  #left: number;
  /** Bytes passed on so far. */
  position = 0;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, mostBytes: number) {
    this.#reader = stream.getReader();
    this.#left = mostBytes;
  }

  /** Waits for the next piece, `undefined` at the end. */
  async #next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { value } = await this.#reader.read();
    this.#left -= value?.length ?? 0;
    if (this.#left < 0) fail(`more bytes than its budget at byte ${this.position}`, "fewer");
    return value;
  }

  /** Reads what is left, so that the checksum at the end of a compressed stream is looked at. */
  async finish(use: (piece: Uint8Array<ArrayBuffer>) => void): Promise<void> {
    for (
      let piece: Uint8Array<ArrayBuffer> | undefined = this.#piece;
      piece !== undefined;
      piece = await this.#next()
    ) use(piece);
  }

  /** Passes the next `length` bytes to `use`, piece by piece. */
  async forward(length: number, use: (piece: Uint8Array<ArrayBuffer>) => void): Promise<void> {
    for (let left = length; left > 0;) {
      if (this.#piece.length === 0) {
        const value = await this.#next();
        if (value === undefined) {
          fail(`it ends ${left} bytes early at byte ${this.position}`, "a closing block");
        }
        this.#piece = value;
      }
      const piece = this.#piece.subarray(0, left);
      this.#piece = this.#piece.subarray(piece.length);
      left -= piece.length;
      this.position += piece.length;
      use(piece);
    }
  }

  /** Reads the next `length` bytes; more than may come are not allocated. */
  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length > this.#left + this.#piece.length) {
      fail(`${length} bytes announced at byte ${this.position}`, "at most what its budget leaves");
    }
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

/** Header fields of the entry at byte `at`, checked. */
function parseHeader(block: Uint8Array, at: number): { path: string; size: number; type: string } {
  const size = number(block.subarray(124, 136));
  // The checksum counts its own field as spaces.
  const sum = block.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== number(block.subarray(148, 156)) || !Number.isSafeInteger(size)) {
    fail(`a header at byte ${at} with checksum ${sum} and size ${size}`, "a valid ustar header");
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
 * Links, devices and folders are passed over; nothing is written to disk. The stream is read to its
 * end, where a compressed one has its checksum.
 *
 * @param stream The archive, already decompressed.
 * @param options Which files, and how many bytes in all.
 * @returns The wanted files in the order of the archive.
 * @throws {Error} If a header is damaged, the stream ends early, goes on after the closing block or
 * is longer than the budget, or a path is absolute or has `..`.
 */
export async function* readTar(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  { wanted, mostBytes }: ReadTarOptions,
): AsyncGenerator<TarFile> {
  const cutter = new StreamCutter(stream, mostBytes);
  let longPath: string | undefined;
  try {
    for (;;) {
      const start = cutter.position;
      const block = await cutter.read(512);
      if (block.every((byte) => byte === 0)) {
        await cutter.finish((piece) => {
          if (piece.some((byte) => byte !== 0)) fail("data after its closing block", "zeros");
        });
        return;
      }
      const { path: shortPath, size, type } = parseHeader(block, start);
      const padding = (512 - (size % 512)) % 512;
      if (type === "x" || type === "L") {
        if (size > MOST_HEADER) fail(`a long name of ${size} bytes at byte ${start}`, "less");
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
