/**
 * The safetensors format: eight bytes of header length, a JSON header, then the bytes of all tensors,
 * little-endian and without holes. Python, Rust and browsers read it.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";

/** One tensor of a safetensors file: type, shape and elements in row-major order. */
export type StoredTensor =
  | { readonly dtype: "F64"; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly dtype: "F32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "I64"; readonly shape: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: "U64"; readonly shape: readonly number[]; readonly data: BigUint64Array }
  | { readonly dtype: "I32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: "U32"; readonly shape: readonly number[]; readonly data: Uint32Array }
  | { readonly dtype: "I16"; readonly shape: readonly number[]; readonly data: Int16Array }
  | { readonly dtype: "U16"; readonly shape: readonly number[]; readonly data: Uint16Array }
  | {
    readonly dtype: "F16" | "BF16";
    readonly shape: readonly number[];
    readonly data: Uint16Array;
  }
  | { readonly dtype: "I8"; readonly shape: readonly number[]; readonly data: Int8Array }
  | { readonly dtype: "U8" | "BOOL"; readonly shape: readonly number[]; readonly data: Uint8Array };

/** Name of an element type; `F16` and `BF16` are kept as raw 16-bit patterns. */
export type StoredDtype = StoredTensor["dtype"];

/** Content of a safetensors file. */
export interface TensorFile {
  /** Tensors by name. */
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** Free text by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The typed array of each element type. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** The format's own bound on the header, which keeps a corrupt length from taking all memory. */
const MAX_HEADER_BYTES = 100_000_000;

const TENSOR = is.objectWith({ dtype: is.name, shape: is.list, data: is.list }, "a stored tensor");

/** Throws unless something is the content of a file of tensors. */
export function requireTensorFile(name: string, file: TensorFile): void {
  requireOptions(name, file, { tensors: is.recordOf(TENSOR), metadata: is.recordOf(is.text) });
}

/**
 * Encodes tensors as a safetensors file. Equal content gives equal bytes: tensors are laid out by
 * falling element size, then by name, so that each is aligned.
 *
 * @param file Tensors and metadata.
 * @returns The pieces of the file in order; not copied, so encode only when about to write.
 * @throws {TypeError} If an array is not of its dtype or its length is not the product of the shape.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const weight = { dtype: "F32", shape: [2], data: new Float32Array([1, -0.5]) } as const;
 * const pieces = encodeSafetensors({ tensors: { weight }, metadata: { step: "7" } });
 * const bytes = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
 * assertEquals(decodeSafetensors(bytes), { tensors: { weight }, metadata: { step: "7" } });
 * ```
 */
export function encodeSafetensors(file: TensorFile): Uint8Array[] {
  requireTensorFile("encodeSafetensors", file);
  const entries = Object.entries(file.tensors).sort(([a, x], [b, y]) =>
    y.data.BYTES_PER_ELEMENT - x.data.BYTES_PER_ELEMENT || (a < b ? -1 : a > b ? 1 : 0)
  );
  const header = new Map<string, unknown>();
  const metadata = Object.entries(file.metadata).sort(([a], [b]) => a < b ? -1 : 1);
  if (metadata.length > 0) header.set("__metadata__", Object.fromEntries(metadata));
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === "__metadata__" || name === "__proto__") {
      throw new TypeError(`Cannot encode a tensor named "${name}": the name is reserved.`);
    }
    if (!(data instanceof ARRAYS[dtype]) || data.length !== elementCount(shape)) {
      throw new TypeError(
        `Cannot encode tensor "${name}": found ${data.constructor.name} of length ${data.length}, ` +
          `expected ${ARRAYS[dtype].name} of length ${
            elementCount(shape)
          } for ${dtype} [${shape}].`,
      );
    }
    const end = offset + data.byteLength;
    header.set(name, { dtype, shape, data_offsets: [offset, end] });
    pieces.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return [head, ...pieces];
}

/**
 * Decodes a safetensors file and checks it: length of the header, types, shapes, and that the tensors
 * cover the data without holes or overlaps.
 *
 * @param bytes The whole file.
 * @returns Tensors (own copies) and metadata.
 * @throws {SyntaxError} If the file is truncated or inconsistent; the message names the tensor.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@mutasesumele/toolkit/run";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const step = { dtype: "I32", shape: [1], data: Int32Array.of(7) } as const;
 * const pieces = encodeSafetensors({ tensors: { step }, metadata: {} });
 * const bytes = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
 * assertEquals(decodeSafetensors(bytes).tensors["step"], step);
 * assertThrows(() => decodeSafetensors(bytes.subarray(0, -1)), SyntaxError);
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array): TensorFile {
  requireArguments("decodeSafetensors", { bytes }, { bytes: is.bytes });
  const { header, dataStart } = decodeHeader(bytes);
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isStringRecord(metadata)) throw corrupt("__metadata__ must hold only text");
  const dataBytes = bytes.length - dataStart;
  const described = Object.entries(entries).map(([name, entry]) => describe(name, entry));
  const inOrder = described.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin !== covered) {
      throw corrupt(`tensor "${name}" begins at ${begin}, expected ${covered} (hole or overlap)`);
    }
    covered = end;
  }
  if (covered !== dataBytes) throw corrupt(`found ${dataBytes} bytes of data, expected ${covered}`);
  const tensors: Record<string, StoredTensor> = {};
  for (const { name, dtype, shape, begin, end } of described) {
    const copy = bytes.slice(dataStart + begin, dataStart + end);
    if (dtype === "BOOL" && copy.some((byte) => byte > 1)) {
      throw corrupt(`tensor "${name}" of BOOL holds a byte that is neither 0 nor 1`);
    }
    tensors[name] = { dtype, shape, data: new ARRAYS[dtype](copy.buffer) } as StoredTensor;
  }
  return { tensors, metadata };
}

/** Reads the JSON header and where the data begins. */
function decodeHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw corrupt(`found ${bytes.length} bytes, expected at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || Number(length) > bytes.length - 8) {
    throw corrupt(`the header claims ${length} bytes, but only ${bytes.length - 8} follow`);
  }
  const dataStart = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart)),
    );
  } catch (cause) {
    throw corrupt("the header is not JSON", cause);
  }
  if (!isRecord(header)) throw corrupt("the header is not a JSON object");
  return { header, dataStart };
}

/** What the header says of one tensor. */
interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Checks one entry of the header on its own. */
function describe(name: string, entry: unknown): TensorEntry {
  if (name === "__proto__") throw corrupt('a tensor is named "__proto__", which is reserved');
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) {
    throw corrupt(
      `tensor "${name}" has dtype ${JSON.stringify(dtype)}, expected one of ${Object.keys(ARRAYS)}`,
    );
  }
  if (!isNaturals(shape)) throw corrupt(`tensor "${name}" has no shape of natural numbers`);
  if (!isNaturals(offsets) || offsets.length !== 2) {
    throw corrupt(`tensor "${name}" has no two data_offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const size = elementCount(shape) * ARRAYS[dtype as StoredDtype].BYTES_PER_ELEMENT;
  if (end - begin !== size) {
    throw corrupt(
      `tensor "${name}" takes ${end - begin} bytes, expected ${size} for ${dtype} [${shape}]`,
    );
  }
  return { name, dtype: dtype as StoredDtype, shape, begin, end };
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === "string");
}

function corrupt(found: string, cause?: unknown): SyntaxError {
  return new SyntaxError(
    `Cannot decode safetensors: ${found}. The file is truncated or corrupt; use another checkpoint.`,
    { cause },
  );
}
