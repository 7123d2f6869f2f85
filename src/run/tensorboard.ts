/**
 * TensorBoard event files: TFRecord frames around hand-coded `tensorflow.Event` messages.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { AppendFile, type FilePosition } from "./append_file.ts";
import { crc32c, maskCrc } from "./crc32c.ts";

/** What one event of a TensorBoard file says. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** Step on the horizontal axis; a natural number. */
  readonly step: number;
  /** Value by tag; stored as float32. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** A picture in a TensorBoard file. */
export interface EventImage {
  /** The bytes of a PNG file. */
  readonly png: Uint8Array;
  /** Columns of pixels. */
  readonly width: number;
  /** Rows of pixels. */
  readonly height: number;
}

/** A `tensorflow.Event` of pictures. */
export interface ImageEvent extends Pick<ScalarEvent, "wallTime" | "step"> {
  /** Picture by tag. */
  readonly images: Readonly<Record<string, EventImage>>;
}

/**
 * Frames one message as a TFRecord: length, its masked CRC-32C, the bytes, their masked CRC-32C.
 *
 * @param message The bytes of the message.
 * @returns The frame, 16 bytes longer.
 */
export function encodeRecord(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(message.length + 16);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(8, maskCrc(crc32c(frame.subarray(0, 8))), true);
  frame.set(message, 12);
  view.setUint32(12 + message.length, maskCrc(crc32c(message)), true);
  return frame;
}

/**
 * Encodes a `tensorflow.Event` with scalar summaries (fields: 1 wall_time, 2 step, 5 summary; a
 * summary's value: 1 tag, 2 simple_value).
 *
 * @param event Time, step and scalars.
 * @returns The bytes of the protocol buffer.
 * @throws {RangeError} If the step is not a natural number: TensorBoard could not read the record.
 */
export function encodeScalarEvent({ scalars, ...event }: ScalarEvent): Uint8Array {
  return encodeEvent(event, mapValues(scalars, (value) => floatField(2, value)));
}

/**
 * Encodes a `tensorflow.Event` with pictures (a summary's value: 1 tag, 4 image; an image: 1 height,
 * 2 width, 3 colour space, of which 3 is RGB, 4 the encoded bytes).
 *
 * @param event Time, step and pictures.
 * @returns The bytes of the protocol buffer.
 * @throws {RangeError} If the step is not a natural number.
 */
export function encodeImageEvent({ images, ...event }: ImageEvent): Uint8Array {
  const RGB = 3;
  return encodeEvent(
    event,
    mapValues(images, ({ png, width, height }) =>
      bytesField(
        4,
        concat([
          varintField(1, height),
          varintField(2, width),
          varintField(3, RGB),
          bytesField(4, png),
        ]),
      )),
  );
}

/** An event whose values, each a field of its own, are known by their tags. */
function encodeEvent(
  { wallTime, step }: Pick<ScalarEvent, "wallTime" | "step">,
  values: Readonly<Record<string, Uint8Array>>,
): Uint8Array {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new RangeError(
      `Cannot write a TensorBoard event of step ${step}: expected a whole number from 0 to ` +
        `2^53 - 1. Count steps, not epochs.`,
    );
  }
  const tagged = Object.entries(values).map(([tag, value]) =>
    bytesField(1, concat([bytesField(1, new TextEncoder().encode(tag)), value]))
  );
  return concat([doubleField(1, wallTime), varintField(2, step), bytesField(5, concat(tagged))]);
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  fn: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, fn(value)]));
}

/** Appends scalars and pictures to one TensorBoard event file. */
export class TensorBoardWriter implements Disposable {
  #file: AppendFile;
  #now: () => number;

  private constructor(file: AppendFile, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  /**
   * Opens the file for a new run, or for one that goes on.
   *
   * @param path The file; TensorBoard wants `tfevents` in its name, and its folder must exist.
   * @param options `resumeAt`: what to keep, as noted in the checkpoint (default nothing); `now`:
   * clock in milliseconds since 1970.
   * @throws {Error} If the file does not begin with what was noted, or cannot be written.
   *
   * @example
   * ```ts
   * import { TensorBoardWriter } from "@mutasesumele/toolkit/run";
   * import { assert } from "@std/assert";
   *
   * const folder = await Deno.makeTempDir();
   * using writer = TensorBoardWriter.open(`${folder}/events.out.tfevents.0.local`);
   * writer.write(1, { "train/loss": 0.5 });
   * assert(writer.offset > 0);
   * await Deno.remove(folder, { recursive: true });
   * ```
   */
  static open(
    path: string,
    options: { readonly resumeAt?: FilePosition; readonly now?: () => number } = {},
  ): TensorBoardWriter {
    requireArguments("TensorBoardWriter.open", { path }, { path: is.name });
    requireOptions("TensorBoardWriter.open", options, {
      resumeAt: is.optional(is.object),
      now: is.optional(is.callback),
    });
    const now = options.now ?? Date.now;
    const writer = new TensorBoardWriter(AppendFile.open(path, options.resumeAt), now);
    if (writer.offset === 0) {
      const version = bytesField(3, new TextEncoder().encode("brain.Event:2"));
      writer.#file.write(encodeRecord(concat([doubleField(1, now() / 1000), version])));
    }
    return writer;
  }

  /** Bytes written so far, the kept ones included. */
  get offset(): number {
    return this.#file.offset;
  }

  /** Where the file stands, written but perhaps not on the disk yet. */
  get position(): FilePosition {
    return this.#file.position;
  }

  /**
   * Appends the scalars of one step.
   *
   * @throws {RangeError} If the step is not a natural number; nothing is written then.
   */
  write(step: number, scalars: Readonly<Record<string, number>>): void {
    const event = encodeScalarEvent({ wallTime: this.#now() / 1000, step, scalars });
    this.#file.write(encodeRecord(event));
  }

  /**
   * Appends the pictures of one step.
   *
   * @throws {RangeError} If the step is not a natural number; nothing is written then.
   */
  writeImages(step: number, images: Readonly<Record<string, EventImage>>): void {
    const event = encodeImageEvent({ wallTime: this.#now() / 1000, step, images });
    this.#file.write(encodeRecord(event));
  }

  /**
   * Waits until every event is on the disk.
   *
   * @returns The position to note in a checkpoint.
   */
  sync(): FilePosition {
    return this.#file.sync();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Base-128 digits of a natural number, lowest first (protocol buffer wire format). */
function varint(value: number): Uint8Array {
  const digits: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = (rest - low) / 128;
    digits.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(digits);
}

/** Wire type 0. */
function varintField(field: number, value: number): Uint8Array {
  return concat([varint(field * 8), varint(value)]);
}

/** Wire type 1. */
function doubleField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return concat([varint(field * 8 + 1), bytes]);
}

/** Wire type 2. */
function bytesField(field: number, value: Uint8Array): Uint8Array {
  return concat([varint(field * 8 + 2), varint(value.length), value]);
}

/** Wire type 5. */
function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return concat([varint(field * 8 + 5), bytes]);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    result.set(piece, offset);
    offset += piece.length;
  }
  return result;
}
