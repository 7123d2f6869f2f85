/** What a run-length encoded sequence holds. */
export interface RunSummary {
  /** How many of its values are `target`. */
  readonly equal: number;
  /** The greatest of its values. */
  readonly highest: number;
}

/**
 * Walks over values in parquet's hybrid of run lengths and bit packing, without unpacking runs.
 *
 * Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE = 3)
 *
 * @param bytes The encoded values, all of `bytes`.
 * @param options Bits of a value, number of values, and a value to count.
 * @returns How often `target` comes, and the greatest value.
 * @throws {Error} If the runs have fewer values, or more than the padding of a last packed run.
 */
export function checkRuns(
  bytes: Uint8Array,
  { width, count, target }: { width: number; count: number; target: number },
): RunSummary {
  let [at, seen, equal, highest] = [0, 0, 0, 0];
  const byte = (): number => {
    if (at >= bytes.length) throw new Error(`runs end after ${seen} of ${count} values`);
    return bytes[at++]!;
  };
  while (seen < count) {
    let header = 0;
    for (let shift = 0;; shift += 7) {
      const part = byte();
      header += (part & 127) * 2 ** shift;
      if (part < 128) break;
      if (shift >= 28) throw new Error("a run length of more than 32 bits");
    }
    const length = Math.floor(header / 2);
    if ((header & 1) === 0) {
      let value = 0;
      for (let shift = 0; shift < width; shift += 8) value += byte() * 2 ** shift;
      if (length === 0 || seen + length > count) {
        throw new Error(`a run of ${length} values after ${seen} of ${count}`);
      }
      if (value >= 2 ** width) throw new Error(`value ${value} in ${width} bits`);
      if (value === target) equal += length;
      highest = Math.max(highest, value);
      seen += length;
    } else {
      // Groups of eight values. The last run may hold more than are wanted if its bytes are there
      // (DuckDB fills up to 256 values), or lack the bytes of what is not wanted.
      const end = at + length * width;
      const needed = Math.min(8 * length, count - seen);
      const short = at + Math.ceil((needed * width) / 8) > bytes.length;
      if (length === 0 || short || (end > bytes.length && 8 * (length - 1) >= needed)) {
        throw new Error(`a run of ${length} groups after ${seen} of ${count} values`);
      }
      for (let index = 0; index < needed; index++) {
        let value = 0;
        for (let bit = 0; bit < width;) {
          const position = index * width + bit;
          const taken = Math.min(8 - (position & 7), width - bit);
          const piece = (bytes[at + (position >> 3)]! >> (position & 7)) & ((1 << taken) - 1);
          value += piece * 2 ** bit;
          bit += taken;
        }
        if (value === target) equal++;
        highest = Math.max(highest, value);
      }
      at = Math.min(end, bytes.length);
      seen += needed;
    }
  }
  return { equal, highest };
}
