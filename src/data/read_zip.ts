import { crc32 } from "node:zlib";

/** Signatures of the four records (APPNOTE.TXT 6.3.10, section 4.3). */
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

/** Flags: encrypted; sizes and checksum follow the data instead of preceding them. */
const ENCRYPTED = 1;
const STREAMED = 8;

/** Most bytes that one byte of a deflate stream can become. */
const DEFLATE_RATIO = 1032;

/** Options of {@linkcode readZip}. */
export interface ReadZipOptions {
  /** Tells which entries to read by name. */
  readonly wanted: (name: string) => boolean;
  /** Most bytes of all wanted entries together, unpacked. */
  readonly mostBytes: number;
}

/** An entry of the central directory. */
interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

const text = new TextDecoder();

function fail(found: string, expected: string): never {
  throw new Error(`${found}, expected ${expected}`);
}

/** Reads the central directory, which must lie exactly before the end record. */
function readDirectory(view: DataView, bytes: Uint8Array): { entries: Entry[]; start: number } {
  let end = bytes.length - 22;
  while (
    end >= 0 &&
    (view.getUint32(end, true) !== END ||
      end + 22 + view.getUint16(end + 20, true) !== bytes.length)
  ) end--;
  if (end < 0) fail("no end of central directory", "one that ends with the file");
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (view.getUint32(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count) {
    fail("an archive of several parts", "a single file");
  }
  if (start === 0xffffffff || count === 0xffff) fail("a zip64 archive", "one below 4 GiB");
  if (start + view.getUint32(end + 12, true) !== end) {
    fail(`a central directory that does not end at byte ${end}`, "the end record right after it");
  }
  const entries: Entry[] = [];
  let at = start;
  while (entries.length < count) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) {
      fail(`no central header at byte ${at}`, `${count} entries`);
    }
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    entries.push({
      name: text.decode(bytes.subarray(at + 46, at + 46 + lengths[0]!)),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at += lengths.reduce((sum, length) => sum + length, 46);
  }
  if (at !== end) fail(`${end - at} bytes after ${count} central headers`, "none");
  return { entries, start };
}

/** Checks that the local header agrees with the central one; gives the place of the data. */
function findData(view: DataView, bytes: Uint8Array, { entry, end }: {
  entry: Entry;
  end: number;
}): { from: number; to: number } {
  const { name, offset, flags } = entry;
  const place = `local header of ${name} at byte ${offset}`;
  if (offset + 30 > end) fail(`a ${place} that overlaps byte ${end}`, "room before it");
  if (view.getUint32(offset, true) !== LOCAL) fail(`no ${place}`, "one");
  const from = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  const to = from + entry.packed;
  const nameEnd = offset + 30 + view.getUint16(offset + 26, true);
  const local = text.decode(bytes.subarray(offset + 30, nameEnd));
  const sums = (at: number) => [0, 4, 8].map((field) => view.getUint32(at + field, true)).join();
  const expected = [entry.crc, entry.packed, entry.size].join();
  const streamed = (flags & STREAMED) !== 0;
  if (
    local !== name || view.getUint16(offset + 6, true) !== flags ||
    view.getUint16(offset + 8, true) !== entry.method ||
    (sums(offset + 14) !== expected && !(streamed && sums(offset + 14) === "0,0,0"))
  ) fail(`a ${place} that differs from the central header`, "the same twice");
  if (to > end) fail(`data of ${name} that reach beyond byte ${end}`, "room before the next entry");
  // A data descriptor has a signature or not.
  const after = to + 16 <= end && view.getUint32(to, true) === DESCRIPTOR ? to + 4 : to;
  const used = streamed ? after + 12 : to;
  if (used !== end) fail(`${end - used} bytes after ${name} that belong to no entry`, "none");
  if (streamed && sums(after) !== expected) {
    fail(`a data descriptor of ${name} that differs from the central header`, "the same twice");
  }
  return { from, to };
}

/**
 * Reads entries of a zip archive. All that the format says twice must agree, entries must fill the
 * file up to the central directory without overlap, and every content must have its checksum.
 *
 * @param bytes The archive.
 * @param options Which entries, and how many bytes in all.
 * @returns Contents by name, in the order of the central directory.
 * @throws {Error} In short words, if the archive is damaged, encrypted, split or zip64, or if an
 * entry needs more than the budget, before that is allocated.
 */
export async function readZip(
  bytes: Uint8Array,
  options: ReadZipOptions,
): Promise<Map<string, Uint8Array>> {
  const { inflateSync } = await import("fflate");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { entries, start } = readDirectory(view, bytes);
  const order = entries.toSorted((a, b) => a.offset - b.offset);
  if ((order[0]?.offset ?? start) !== 0) fail("bytes before the first entry", "none");
  const places = new Map(
    order.map((entry, index) => {
      const end = order[index + 1]?.offset ?? start;
      return [entry, findData(view, bytes, { entry, end })];
    }),
  );
  const contents = new Map<string, Uint8Array>();
  let left = options.mostBytes;
  for (const entry of entries.filter(({ name }) => options.wanted(name))) {
    const { name, flags, method, size, packed, crc } = entry;
    const { from, to } = places.get(entry)!;
    if ((flags & ENCRYPTED) !== 0 || (method !== 0 && method !== 8)) {
      fail(`${name} with flags ${flags} and method ${method}`, "stored or deflated, in clear");
    }
    if (contents.has(name)) fail(`two entries ${name}`, "one");
    if (size > left || size > DEFLATE_RATIO * packed) {
      fail(`${name} of ${packed} bytes announces ${size} bytes`, `at most ${left} in what is left`);
    }
    left -= size;
    const data = bytes.subarray(from, to);
    const content = method === 0 ? data : inflateSync(data, { out: new Uint8Array(size) });
    if (content.length !== size || crc32(content) !== crc) {
      fail(`${name} with a wrong checksum`, "the CRC-32 of its content");
    }
    contents.set(name, content);
  }
  return contents;
}
