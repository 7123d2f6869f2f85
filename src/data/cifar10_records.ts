/** Bytes of a record: one label, then the red, green and blue planes of 32x32 pixels. */
export const CIFAR10_RECORD_BYTES = 3073;

/** Pixels of a plane. */
const PLANE = 1024;

/** Images and labels of some records. */
export interface Cifar10Records {
  /** Pixels `[count, 32, 32, 3]`. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** Classes 0..9 `[count]`. */
  readonly labels: Uint8Array<ArrayBuffer>;
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
 * import { decodeCifar10Records } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const record = new Uint8Array(3073);
 * record.set([7, 255]); // a horse whose first pixel is red
 * const { images, labels } = decodeCifar10Records(new Map([["one.bin", record]]));
 * assertEquals(labels[0], 7);
 * assertEquals([...images.subarray(0, 3)], [255, 0, 0]);
 * ```
 */
export function decodeCifar10Records(files: ReadonlyMap<string, Uint8Array>): Cifar10Records {
  let count = 0;
  for (const [name, bytes] of files) {
    if (bytes.length === 0 || bytes.length % CIFAR10_RECORD_BYTES !== 0) {
      throw new RangeError(
        `Cannot read ${name}: ${bytes.length} bytes are ${
          Math.floor(bytes.length / CIFAR10_RECORD_BYTES)
        } records and ${
          bytes.length % CIFAR10_RECORD_BYTES
        } bytes, expected whole CIFAR-10 records of ${CIFAR10_RECORD_BYTES} bytes and at least one. The file is cut short or of another format: fetch it again.`,
      );
    }
    count += bytes.length / CIFAR10_RECORD_BYTES;
  }
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  let image = 0;
  for (const [name, bytes] of files) {
    for (let start = 0; start < bytes.length; start += CIFAR10_RECORD_BYTES) {
      const label = bytes[start]!;
      if (label > 9) {
        throw new RangeError(
          `Cannot read ${name}: label ${label} in record ${
            start / CIFAR10_RECORD_BYTES
          }, expected 0..9. The file is damaged or of another format: fetch it again.`,
        );
      }
      labels[image] = label;
      let out = image * 3 * PLANE;
      for (let red = start + 1; red <= start + PLANE; red++) {
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
