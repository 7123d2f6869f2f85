/** A value of Thrift's compact protocol. */
export type ThriftValue =
  | boolean
  | bigint
  | number
  | Uint8Array
  | readonly ThriftValue[]
  | ThriftStruct;

/** Fields of a struct by their numbers. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** Deepest nesting; parquet needs six levels. */
const MOST_DEPTH = 16;

/** Types of the compact protocol. */
const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
] as const;
const STRUCT = 12;

/**
 * Reads structs of Thrift's compact protocol out of untrusted bytes: it takes time and memory in
 * proportion to them, whatever they say.
 *
 * Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export class ThriftReader {
  readonly #view: DataView;
  /** Position of the next byte. */
  offset: number;

  /** Reads `bytes` from `offset` on. */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
  }

  /**
   * Reads a struct.
   *
   * @param depth Structs and lists around it.
   * @returns Its fields.
   * @throws {Error} If it is cut off, nested too deep, or has a type, length, number or order of
   * fields that the protocol does not know; the message names the byte.
   */
  struct(depth = 0): ThriftStruct {
    const fields = new Map<number, ThriftValue>();
    for (let id = 0;;) {
      const header = this.#byte();
      const type = header & 15;
      if (type === STOP) {
        if (header !== 0) this.#fail("a stop field with a number");
        return fields;
      }
      id = header >> 4 === 0 ? this.#integer(16) : id + (header >> 4);
      if (fields.has(id) || id < 1) this.#fail(`field ${id} out of order`);
      fields.set(id, this.#value(type, depth + 1, false));
    }
  }

  #fail(found: string): never {
    throw new Error(`${found} at byte ${this.offset} of a header`);
  }

  #byte(): number {
    if (this.offset >= this.#view.byteLength) this.#fail("nothing");
    return this.#view.getUint8(this.offset++);
  }

  /** A variable-length number of at most 64 bits. */
  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value < 1n << 64n ? value : this.#fail("a number beyond 64 bits");
    }
    return this.#fail("a number of more than ten bytes");
  }

  #long(): bigint {
    const zigzag = this.#varint();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  #integer(bits: 16 | 32): number {
    const value = this.#long();
    if (BigInt.asIntN(bits, value) !== value) this.#fail(`${value} as a number of ${bits} bits`);
    return Number(value);
  }

  /** A length that what is left can hold, if each thing takes a byte. */
  #length(): number {
    const length = this.#varint();
    const left = this.#view.byteLength - this.offset;
    if (length > BigInt(left)) this.#fail(`length ${length} with ${left} bytes left`);
    return Number(length);
  }

  #value(type: number, depth: number, inList: boolean): ThriftValue {
    if (depth > MOST_DEPTH) this.#fail(`more than ${MOST_DEPTH} levels`);
    switch (type) {
      case TRUE:
      case FALSE: {
        if (!inList) return type === TRUE;
        const byte = this.#byte();
        return byte === TRUE ? true : byte === FALSE || byte === 0 ? false : this.#fail("no truth");
      }
      case BYTE:
        return this.#byte();
      case I16:
        return this.#integer(16);
      case I32:
        return this.#integer(32);
      case I64:
        return this.#long();
      case DOUBLE: {
        if (this.offset + 8 > this.#view.byteLength) this.#fail("a number cut off");
        this.offset += 8;
        return this.#view.getFloat64(this.offset - 8, true);
      }
      case BINARY: {
        const length = this.#length();
        this.offset += length;
        const at = this.#view.byteOffset + this.offset - length;
        return new Uint8Array(this.#view.buffer, at, length);
      }
      case LIST:
      case SET: {
        const header = this.#byte();
        const length = header >> 4 === 15 ? this.#length() : header >> 4;
        const values: ThriftValue[] = [];
        while (values.length < length) values.push(this.#value(header & 15, depth + 1, true));
        return values;
      }
      case STRUCT:
        return this.struct(depth);
      default:
        return this.#fail(`type ${type}`);
    }
  }
}
