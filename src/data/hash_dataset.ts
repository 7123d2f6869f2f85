import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { createHash } from "node:crypto";
import type { ImageDataset } from "./image_dataset.ts";

/**
 * Hashes what a data set holds, wherever it came from: extents, names of classes, labels and pixels.
 *
 * @param dataset The images.
 * @returns SHA-256 as 64 lower-case hexadecimal digits.
 *
 * @example
 * ```ts
 * import { syntheticImages } from "@mutasesumele/toolkit";
 * import { hashDataset } from "@mutasesumele/toolkit/data";
 * import { assertEquals, assertNotEquals } from "@std/assert";
 *
 * const { train, test } = syntheticImages({ seed: 0, trainCount: 10, testCount: 10 });
 * assertEquals(hashDataset(train), hashDataset({ ...train, provenance: "from another folder" }));
 * assertNotEquals(hashDataset(train), hashDataset(test));
 * ```
 */
export function hashDataset(dataset: ImageDataset): string {
  requireArguments("hashDataset", { dataset }, { dataset: kinds.dataset });
  const { count, height, width, channels, classNames, labels, images } = dataset;
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ count, height, width, channels, classNames }));
  // One width of labels: what they say counts, not how they are held.
  const wide = Int32Array.from(labels);
  hash.update(new Uint8Array(wide.buffer));
  hash.update(images);
  return hash.digest("hex");
}
