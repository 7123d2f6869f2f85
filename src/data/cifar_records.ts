import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { CIFAR10_LAYOUT, type CifarLayout, cifarRecordBytes } from "./cifar_layout.ts";

/** Pixels of a plane. */
const PLANE = 1024;

/** Images and labels of some records. */
export interface CifarRecords {
  /** Pixels `[count, 32, 32, 3]`. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** Classes `[count]`. */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/**
 * Decodes records of the CIFAR family: planes become interleaved channels.
 *
 * @param files Content of every file, each any whole number of records but 0.
 * @param layout The member of the family.
 * @returns Images and labels of all files, in order.
 * @throws {RangeError} If a file is empty or not whole records, or a label is none or contradicts
 * another; the message names file and record.
 */
export function decodeCifarRecords(
  files: ReadonlyMap<string, Uint8Array>,
  layout: CifarLayout,
): CifarRecords {
  const { title, labelBytes, labelAt, classNames, checkLabels } = layout;
  const each = cifarRecordBytes(layout);
  let count = 0;
  for (const [name, { length }] of files) {
    if (length === 0 || length % each !== 0) {
      throw new RangeError(
        `Cannot read ${name}: ${length} bytes are ${Math.floor(length / each)} records and ${
          length % each
        } bytes, expected whole ${title} records of ${each} bytes and at least one. The file is cut short or of another format: fetch it again.`,
      );
    }
    count += length / each;
  }
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  let image = 0;
  for (const [name, bytes] of files) {
    for (let start = 0; start < bytes.length; start += each) {
      const label = bytes[start + labelAt]!;
      try {
        if (label >= classNames.length) {
          throw new RangeError(`label ${label}, expected 0..${classNames.length - 1}`);
        }
        checkLabels?.(bytes.subarray(start, start + labelBytes));
      } catch (error) {
        throw new RangeError(
          `Cannot read ${name}: record ${start / each} has ${
            (error as Error).message
          }. The file is damaged or of another format: fetch it again.`,
        );
      }
      labels[image] = label;
      const pixels = start + labelBytes;
      let out = image * 3 * PLANE;
      for (let red = pixels; red < pixels + PLANE; red++) {
        images[out] = bytes[red]!;
        images[out + 1] = bytes[red + PLANE]!;
        images[out + 2] = bytes[red + 2 * PLANE]!;
        out += 3;
      }
      image++;
    }
  }
  return { images, labels };
}

/**
 * Decodes records of CIFAR-10's binary version: planes become interleaved channels.
 *
 * Format: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
 *
 * @param files Content of every file, each any whole number of 3073-byte records but 0.
 * @returns Images and labels of all files, in order.
 * @throws {RangeError} If a file is empty or not whole records, or a label is above 9.
 *
 * @example
 * ```ts
 * import { decodeCifar10Records } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const record = new Uint8Array(3073);
 * record.set([7, 255]); // a horse whose first pixel is red
 * const { images, labels } = decodeCifar10Records(new Map([["one.bin", record]]));
 * assertEquals(labels[0], 7);
 * assertEquals([...images.subarray(0, 3)], [255, 0, 0]);
 * ```
 */
export function decodeCifar10Records(files: ReadonlyMap<string, Uint8Array>): CifarRecords {
  requireArguments("decodeCifar10Records", { files }, {
    files: is.kind(
      "a Map of file names to bytes, not empty",
      (found) => found instanceof Map && found.size > 0,
    ),
  });
  return decodeCifarRecords(files, CIFAR10_LAYOUT);
}
